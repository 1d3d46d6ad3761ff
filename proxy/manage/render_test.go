package manage

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/proxy/member"
)

func status() Status {
	return Status{
		Name: "reeve", Uptime: 90 * time.Second, Requests: 12, Denied: 1, Dropped: 2,
		InFlight: []Request{{ID: 9, Client: "192.0.2.1:1", Method: "GET", Path: "/<script>alert(1)</script>", Member: "a", Age: 1500 * time.Millisecond, Bytes: 2048}},
		Pools: []Pool{{Name: "static", Method: "byrequests", Members: []member.View{
			{Name: "a", URL: "http://a", Weight: 2.25, State: member.Active, Status: -0.5, Elected: 7, Busy: 1, Sent: 10, Received: 3 << 20},
			{Name: "b\nInjected: 1", URL: "http://b", Weight: 1, State: member.Drain, Down: true, Reason: "refused", RetryIn: time.Minute},
		}}},
	}
}

func render(t *testing.T, f Form) string {
	t.Helper()
	out, err := f.Render(status())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestPage(t *testing.T) {
	got := render(t, HTML)
	if strings.Contains(got, "<script") {
		t.Error("a path is not escaped")
	}
	for _, want := range []string{"Pool static", "2.25", "-0.5", "in error", "again in 1m0s", "3.0 MiB", "2.0 KiB", "1.5s", "2 access lines lost"} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q", want)
		}
	}
}

func TestJSON(t *testing.T) {
	var back Status
	if err := json.Unmarshal([]byte(render(t, JSON)), &back); err != nil {
		t.Fatal(err)
	}
	if m := back.Pools[0].Members[1]; back.InFlight[0].Path != status().InFlight[0].Path || !m.Down || m.RetryIn != time.Minute {
		t.Errorf("%+v", back)
	}
}

func TestAuto(t *testing.T) {
	got := render(t, Auto)
	for _, want := range []string{
		"InFlight: 1\n", "Member static a Weight: 2.25\n", "Member static a LBStatus: -0.5\n", "Member static a Elected: 7\n",
		"Member static a Busy: 1\n", "Member static a BytesFrom: 3145728\n", "Member static b_Injected:_1 Down: true\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\nInjected") {
		t.Error("a name broke the form")
	}
}
