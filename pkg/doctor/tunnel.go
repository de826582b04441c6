package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// versionLimit bounds how long a tunnel program may take to print its version.
const versionLimit = 5 * time.Second

// checkTunnel reports the tunnel programs of listen. They are optional.
func (i *Installation) checkTunnel(ctx context.Context) Finding {
	environ := slices.DeleteFunc(slices.Clone(i.Environ), func(pair string) bool { return strings.HasPrefix(pair, config.Prefix) })
	var found, broken []string
	for _, name := range tunnel.Programs() {
		limited, cancel := context.WithTimeout(ctx, versionLimit)
		version, err := tunnel.Version(limited, name, environ)
		late := limited.Err() != nil
		cancel()
		switch {
		case err == nil:
			found = append(found, name+" ("+strings.TrimPrefix(version, name+" ")+")")
		case ctx.Err() != nil:
			return skip("time limit reached")
		case late:
			return warn(name+" did not report its version within "+wait.Text(versionLimit), "run the command again")
		case !errors.As(err, new(*tunnel.MissingError)):
			broken = append(broken, name)
		}
	}
	if len(broken) > 0 {
		return warn(strings.Join(broken, ", ")+" does not report its version", "run "+broken[0]+" version to see why")
	}
	if len(found) == 0 {
		return skip("none of " + strings.Join(tunnel.Programs(), ", ") + " is installed; listen --tunnel needs one")
	}
	return pass(strings.Join(found, ", "))
}
