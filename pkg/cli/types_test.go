package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands of docs/types.md generate types that read a delivery, and with which a wrong use does not compile.
func TestTypesAreGeneratedFromTheSchema(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs generators of four languages")
	}
	for _, tool := range []string{"go-jsonschema", "quicktype", "tsc", "python3", "mcs", "mono"} {
		need(t, tool)
	}
	folder := t.TempDir()
	build(t, folder)
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		scriptIn(t, folder, block[1])
	}
	delivery := scriptIn(t, folder, "tlxhook -p sandbox event show order.create --jq '.examples[0]'")
	for name, content := range map[string]string{
		"delivery.json": delivery,
		"main.go": `package main

import ("encoding/json"; "fmt"; "os")

func main() {
	raw, _ := os.ReadFile("delivery.json")
	var d OrderCreateDelivery
	if err := json.Unmarshal(raw, &d); err != nil { panic(err) }
	fmt.Println(*d.Value.Number, d.Value.Customer.Id, json.Unmarshal([]byte("{}"), &d) != nil)
}`,
		"use.ts": `import { OrderCreate } from "./order-create";
const delivery: OrderCreate = ` + delivery + `;
export const number: string | null | undefined = delivery.value.number;
// @ts-expect-error a number is a text
export const wrong: number = delivery.value.number;
`,
		"use.py": `import json
from order_create import order_create_from_dict
order = order_create_from_dict(json.load(open("delivery.json"))).value
print(order.number, order.customer.id, order.order_lines)
`,
		"Use.cs": `class Use {
	static void Main() {
		var order = Hooks.OrderCreate.FromJson(System.IO.File.ReadAllText("delivery.json")).Value;
		System.Console.WriteLine(order.Number + " " + order.Customer.Id + " " + (order.OrderLines == null));
	}
}
`,
		"Wrong.cs": `class Wrong { static long Number(Hooks.OrderCreate delivery) { return delivery.Value.Number; } }`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range [][2]string{
		{"go run main.go order_create.go", "2001 301 true"},
		{"tsc --noEmit --strict use.ts", ""},
		{"python3 use.py", "2001 301 None"},
		{"mcs -r:" + newtonsoft + " Use.cs OrderCreate.cs", ""},
		{"MONO_PATH=" + filepath.Dir(newtonsoft) + " mono Use.exe", "2001 301 True"},
		{"mcs -r:" + newtonsoft + " -t:library Wrong.cs OrderCreate.cs 2>&1 | grep -o CS0029", "CS0029"},
	} {
		if got := strings.TrimSpace(scriptIn(t, folder, step[0])); got != step[1] {
			t.Errorf("%s: %q, want %q", step[0], got, step[1])
		}
	}
}

// newtonsoft is the library of the C# types, as Debian installs it (libnewtonsoft-json5.0-cil).
const newtonsoft = "/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll"

// scriptIn runs a script in a folder with the program on the path, and returns its output.
func scriptIn(t *testing.T, folder, script string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), need(t, "sh"), "-ec", script)
	command.Dir = folder
	command.Env = append(os.Environ(), "HOME="+folder, "GO111MODULE=off", "GOCACHE="+goCache(t), "PATH="+folder+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), need(t, "go"), "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
