package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// A body that real programs have parsed and written again is diagnosed as reserialised.
func TestReserialisedBodyIsRecognised(t *testing.T) {
	t.Parallel()
	const body = `{"subscriptionId":4711,"event":"order.create","id":1001,` +
		`"value":{"name":"A & B <Ærø>","url":"https://x/1","amount":12500.5}}`
	header := signed(current, "key-1", []byte(body))
	for _, words := range [][]string{
		{"python3", "-c", "import json,sys; print(json.dumps(json.load(sys.stdin)))"},
		{"python3", "-c", "import json,sys; print(json.dumps(json.load(sys.stdin), indent=2, ensure_ascii=False))"},
		{"node", "-e", `let s="";process.stdin.on("data",d=>s+=d).on("end",()=>console.log(JSON.stringify(JSON.parse(s),null,2)))`},
		{"php", "-r", `echo json_encode(json_decode(file_get_contents("php://stdin")));`},
		{"php", "-r", `echo json_encode(json_decode(file_get_contents("php://stdin")), JSON_PRETTY_PRINT);`},
	} {
		t.Run(words[0], func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), need(t, words[0]), words[1:]...)
			command.Stdin = strings.NewReader(body)
			written, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := webhook.Diagnose(header, written, current); !slices.Equal(got.Reasons, []webhook.Reason{webhook.BodySerialised}) {
				t.Errorf("%v: %+v\n%s", words, got, written)
			}
		})
	}
}
