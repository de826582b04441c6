package cli_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The action that installs tlxhook in a workflow installs the archive whose checksum agrees, and nothing else.
func TestSetupActionVerifiesWhatItInstalls(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	programs, releases := t.TempDir(), t.TempDir()
	build(t, programs)
	archive := filepath.Join(releases, "v1.2.3", "tlxhook_1.2.3_linux_amd64.tar.gz")
	sum := pack(t, filepath.Join(programs, "tlxhook"), archive)
	sums := filepath.Join(releases, "v1.2.3", "checksums.txt")
	if err := os.WriteFile(sums, []byte(sum+"  tlxhook_1.2.3_linux_amd64.tar.gz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pack(t, filepath.Join(programs, "tlxhook"), filepath.Join(releases, "v1.2.4", "tlxhook_1.2.4_linux_amd64.tar.gz"))
	if err := os.WriteFile(filepath.Join(releases, "v1.2.4", "checksums.txt"), []byte(sum+"  another_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(releases)))
	t.Cleanup(server.Close)
	wrong := strings.Repeat("0", 64)
	for name, test := range map[string]struct{ version, sha256, system, machine, want string }{
		"checksum of the release": {"1.2.3", "", "Linux", "X64", ""},
		"pinned checksum":         {"1.2.3", sum, "Linux", "X64", ""},
		"wrong pinned checksum":   {"1.2.3", wrong, "Linux", "X64", "does not have the SHA-256 " + wrong},
		"file not named":          {"1.2.4", "", "Linux", "X64", "checksums.txt does not name"},
		"no such release":         {"9.9.9", "", "Linux", "X64", "cannot download"},
		"no such machine":         {"1.2.3", "", "Linux", "RISCV", "there is no program for RISCV"},
		"no such system":          {"1.2.3", "", "Plan9", "X64", "there is no program for Plan9"},
		"path as a version":       {"../../1.2.3", "", "Linux", "X64", "version must be like 0.1.0"},
		"command as a version":    {"1.2.3;id", "", "Linux", "X64", "version must be like 0.1.0"},
		"no version":              {"", "", "Linux", "X64", "version must be like 0.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			command := exec.CommandContext(t.Context(), need(t, "bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", setupScript(t))
			command.Env = []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + temp, "RUNNER_TEMP=" + temp, "RUNNER_OS=" + test.system, "RUNNER_ARCH=" + test.machine,
				"GITHUB_PATH=" + filepath.Join(temp, "path"), "GITHUB_OUTPUT=" + filepath.Join(temp, "output"),
				"VERSION=" + test.version, "SHA256=" + test.sha256, "RELEASES=" + server.URL,
			}
			out, err := command.CombinedOutput()
			if (err == nil) != (test.want == "") {
				t.Errorf("err = %v\n%s", err, out)
			}
			if !strings.Contains(string(out), test.want) {
				t.Errorf("out = %s, want it to contain %q", out, test.want)
			}
			folder, _ := os.ReadFile(filepath.Join(temp, "path"))
			_, stat := os.Stat(filepath.Join(strings.TrimSpace(string(folder)), "tlxhook"))
			if installed := len(folder) > 0 && stat == nil; installed != (test.want == "") {
				t.Errorf("installed = %t: %q, %v", installed, folder, stat)
			}
		})
	}
}

func setupScript(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../.github/actions/setup/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Runs struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal(raw, &action); err != nil {
		t.Fatal(err)
	}
	if len(action.Runs.Steps) != 1 {
		t.Fatalf("len(action.Runs.Steps) = %v, want 1", len(action.Runs.Steps))
	}
	return action.Runs.Steps[0].Run
}

// pack writes an archive that holds the program and returns its SHA-256.
func pack(t *testing.T, program, archive string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(archive), 0o700); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	zip := gzip.NewWriter(io.MultiWriter(file, hash))
	files := tar.NewWriter(zip)
	if err := files.WriteHeader(&tar.Header{Name: "tlxhook", Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	_, err = files.Write(content)
	for _, err := range []error{err, files.Close(), zip.Close(), file.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
