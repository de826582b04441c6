package cli_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

const scalingFolder = "../../docs/scaling/"

func openFile(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// The file for Compose starts three servers, two receivers and two forwarders, by commands that the program takes. Every
// volume, secret and configuration that a service uses is declared.
func TestComposeFileStartsEveryService(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]struct {
			Image   string   `yaml:"image"`
			Command []string `yaml:"command"`
			Secrets []string `yaml:"secrets"`
			Configs []struct {
				Source string `yaml:"source"`
			} `yaml:"configs"`
			DependsOn []string `yaml:"depends_on"`
		} `yaml:"services"`
		Secrets map[string]any `yaml:"secrets"`
		Configs map[string]any `yaml:"configs"`
	}
	if err := yaml.NewDecoder(openFile(t, scalingFolder+"compose.yml")).Decode(&file); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for name, service := range file.Services {
		if len(service.Command) == 0 {
			t.Fatalf("%s has no command", name)
		}
		kinds[service.Command[0]]++
		for _, secret := range service.Secrets {
			if file.Secrets[secret] == nil {
				t.Errorf("%s uses the secret %s, which is not declared", name, secret)
			}
		}
		for _, config := range service.Configs {
			if file.Configs[config.Source] == nil {
				t.Errorf("%s uses the configuration %s, which is not declared", name, config.Source)
			}
		}
		for _, other := range service.DependsOn {
			if file.Services[other].Image == "" {
				t.Errorf("%s depends on %s, which is not there", name, other)
			}
		}
		if service.Image == "tlxhook:latest" {
			isCommand(t, service.Command)
		}
	}
	if kinds["-c"] != 3 {
		t.Errorf(`kinds["-c"] = %v, want 3`, kinds["-c"])
	}
	if kinds["listen"] != 2 {
		t.Errorf(`kinds["listen"] = %v, want 2`, kinds["listen"])
	}
	if kinds["forward"] != 2 {
		t.Errorf(`kinds["forward"] = %v, want 2`, kinds["forward"])
	}
}

// The file for Kubernetes is whole: its commands are ones that the program takes, and its services find their pods.
func TestKubernetesFileRunsBoth(t *testing.T) {
	t.Parallel()
	decoder := yaml.NewDecoder(openFile(t, scalingFolder+"kubernetes.yml"))
	var commands, kinds []string
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, nodeOf(&document, "kind").Value)
		node := nodeOf(&document, "args")
		if node == nil {
			continue
		}
		var args []string
		if err := node.Decode(&args); err != nil {
			t.Fatal(err)
		}
		isCommand(t, args)
		commands = append(commands, args[0])
	}
	if !slices.Equal(commands, []string{"listen", "forward"}) {
		t.Errorf("commands = %v, want %v", commands, []string{"listen", "forward"})
	}
	if !slices.Equal(kinds, []string{"Deployment", "Service", "PodDisruptionBudget", "Deployment"}) {
		t.Errorf("kinds = %v, want %v", kinds, []string{"Deployment", "Service", "PodDisruptionBudget", "Deployment"})
	}
}
