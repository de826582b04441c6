//go:build platforms

package cli_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestLinuxOnARM64 runs the program for Linux on arm64 in an emulator.
func TestLinuxOnARM64(t *testing.T) {
	t.Parallel()
	emulator, folder := need(t, "qemu-aarch64-static"), t.TempDir()
	crossBuild(t, filepath.Join(folder, "program"), "GOOS=linux", "GOARCH=arm64")
	runPlatform(t, []string{"EMULATOR=" + emulator, "PROGRAM=" + folder + "/program"}, false)
}

// TestWindows runs the program for Windows on amd64 in wine.
func TestWindows(t *testing.T) {
	t.Parallel()
	wine, compiler := need(t, "wine"), need(t, "x86_64-w64-mingw32-gcc")
	folder, prefix := t.TempDir(), t.TempDir()
	environ := []string{"WINEPREFIX=" + prefix, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml="} // without downloads
	t.Cleanup(func() { toFile(t, filepath.Join(folder, "said"), environ, "wineserver", "-k") })
	library := prefix + "/drive_c/windows/system32/bcryptprimitives.dll"
	for _, words := range [][]string{
		{wine, "wineboot", "-i"},
		{"wineserver", "-w"}, // until the prefix is complete
		{"wineserver", "-p"}, // it stays between commands
		{compiler, "-shared", "-s", "-o", library, "testdata/wine/bcryptprimitives.c", "-ladvapi32"},
	} {
		toFile(t, filepath.Join(folder, "said"), environ, words...)
	}
	crossBuild(t, filepath.Join(folder, "program.exe"), "GOOS=windows", "GOARCH=amd64")
	runPlatform(t, append(environ, "EMULATOR="+wine, "PROGRAM="+folder+"/program.exe"), true)
}

// toFile runs a command with its output in a file. A pipe would be kept open by the servers that wine starts.
func toFile(t *testing.T, path string, environ []string, words ...string) {
	t.Helper()
	said, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = said.Close() }()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), words[0], words[1:]...)
	command.Env = append(os.Environ(), environ...)
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		raw, _ := os.ReadFile(path)
		t.Fatalf("%s: %v\n%s", words, err, raw)
	}
}

// crossBuild makes the program for another platform.
func crossBuild(t *testing.T, path string, platform ...string) {
	t.Helper()
	// With -trimpath it shares what .ci/run compiles for its checks.
	command := exec.CommandContext(t.Context(), need(t, "go"), "build", "-trimpath", "-o", path, "../../cmd/tlxhook")
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0"), platform...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// runPlatform runs the scripts of platforms with the variables of testdata/platform/bin/tlxhook.
func runPlatform(t *testing.T, environ []string, wine bool) {
	t.Helper()
	programs, err := filepath.Abs("testdata/platform/bin")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/platform", RequireExplicitExec: true, RequireUniqueNames: true,
		Condition: func(name string) (bool, error) {
			if name != "wine" {
				return false, errors.New("unknown")
			}
			return wine, nil
		},
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			for name, value := range map[string]string{
				"HOME": home, "XDG_RUNTIME_DIR": home, "DBUS_SESSION_BUS_ADDRESS": "", "TZ": "UTC",
				"PATH": programs + ":" + env.Getenv("PATH"),
			} {
				env.Setenv(name, value)
			}
			env.Vars = append(env.Vars, environ...)
			return errors.Join(os.Mkdir(home, 0o700), setPorts(env))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "interrupt": interrupt, "await": await, "deliver": deliver, "dialog": dialog, "crlf": crlf,
		},
	})
}

// crlf ends the lines of a file as Windows does: crlf FILE.
func crlf(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), fs.FileMode(0o600)))
}
