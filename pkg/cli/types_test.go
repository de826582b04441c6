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
	for _, tool := range []string{"go-jsonschema", "quicktype", "tsc", "python3"} {
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
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string]string{
		"go run main.go order_create.go":              "2001 301 true",
		"tsc --noEmit --strict use.ts":                "",
		"python3 use.py":                              "2001 301 None",
		"grep -o 'public Order Value' OrderCreate.cs": "public Order Value",
	} {
		if got := strings.TrimSpace(scriptIn(t, folder, command)); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

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
