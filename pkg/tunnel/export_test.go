package tunnel

// SetAgentPorts sets the ports of the API of ngrok, so that a test does not meet an agent of the user.
func (o *Options) SetAgentPorts(ports ...string) { o.agentPorts = ports }
