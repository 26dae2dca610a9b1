package ec2wire_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestRequestsThatAreNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{AccessKeys: []string{"AKIDEXAMPLE"}})
	const describe = "Action=DescribeInstances&Version=2016-11-15"
	for name, c := range map[string]struct {
		body, auth string
		status     int
		code       string
	}{
		"no signature":        {describe, "", 401, "AuthFailure"},
		"an older signature":  {describe, "AWS AKIDEXAMPLE:abc", 401, "AuthFailure"},
		"no key":              {describe, "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00", 401, "AuthFailure"},
		"no scope":            {describe, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host, Signature=00", 401, "AuthFailure"},
		"no signed text":      {describe, strings.Replace(signature, "Signature=00", "", 1), 401, "AuthFailure"},
		"no headers":          {describe, strings.Replace(signature, "SignedHeaders=host;x-amz-date, ", "", 1), 401, "AuthFailure"},
		"an unknown key":      {describe, strings.Replace(signature, "AKIDEXAMPLE", "SOMEBODY", 1), 401, "AuthFailure"},
		"no action":           {"Version=2016-11-15", signature, 400, "MissingParameter"},
		"an unknown action":   {"Action=MakeCoffee&Version=2016-11-15", signature, 400, "InvalidAction"},
		"another version":     {"Action=DescribeInstances&Version=2010-01-01", signature, 400, "NoSuchVersion"},
		"no form":             {"Action=%zz", signature, 400, "MalformedQueryString"},
		"too many parameters": {describe + strings.Repeat("&a=b", 10_001), signature, 400, "MalformedQueryString"},
		"too deep":            {describe + "&" + strings.Repeat("a.", 100) + "=b", signature, 400, "UnknownParameter"},
		"a negative index":    {describe + "&InstanceId.-1=i-12345678", signature, 400, "InvalidParameterValue"},
		"an index too large":  {describe + "&InstanceId.99999999999999999999=i-12345678", signature, 400, "InvalidParameterValue"},
		"an index of its own": {describe + "&Filter.1.Value.+1=x", signature, 400, "InvalidParameterValue"},
		"an empty name":       {describe + "&InstanceId..1=x", signature, 400, "InvalidParameterValue"},
		"too large":           {describe + "&a=" + strings.Repeat("x", 1<<20), signature, 413, "RequestEntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			(&fixture{t, f.Server, f.clock}).post(c.body, c.auth).fails(c.status, c.code)
		})
	}
	f.call("MakeCoffee").says("The action MakeCoffee is not valid for this web service.")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+describe, nil))
	if w.Code != http.StatusBadRequest {
		t.Errorf("GET gave %d", w.Code)
	}
}

func TestRepliesAreIdentified(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	a := f.call("DescribeInstances").ok()
	if id := a.one("requestId"); id == "" || a.header.Get("X-Amzn-Requestid") != id {
		t.Errorf("header %v, body\n%s", a.header, a.body)
	}
	if !strings.Contains(a.body, `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">`) {
		t.Errorf("body\n%s", a.body)
	}
	if !strings.Contains(a.body, "<reservationSet></reservationSet>") {
		t.Errorf("an empty list must be there, for clients to tell it from a broken reply\n%s", a.body)
	}
	calls := f.Calls("DescribeInstances")
	if len(calls) != 1 || calls[0].AccessKey != "AKIDEXAMPLE" || calls[0].Status != 200 {
		t.Errorf("calls %+v", calls)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	web := f.run("TagSpecification.1.ResourceType", "instance",
		"TagSpecification.1.Tag.1.Key", "role", "TagSpecification.1.Tag.1.Value", "web",
		"TagSpecification.1.Tag.2.Key", "odd*name", "TagSpecification.1.Tag.2.Value", "a?b", "ClientToken", "one")[0]
	db := f.run("TagSpecification.1.ResourceType", "instance",
		"TagSpecification.1.Tag.1.Key", "role", "TagSpecification.1.Tag.1.Value", "db", "ClientToken", "two")[0]
	bare := f.run()[0]
	f.call("TerminateInstances", "InstanceId.1", bare).ok()

	for name, c := range map[string]struct {
		filters []string
		want    string
	}{
		"none":                 {nil, web + db + bare},
		"a tag":                {[]string{"tag:role", "web"}, web},
		"two values are or":    {[]string{"tag:role", "web", "tag:role", "db"}, ""}, // two filters are and
		"wildcard":             {[]string{"tag:role", "*b"}, web + db},
		"one letter":           {[]string{"tag:role", "?b"}, db},
		"escaped":              {[]string{`tag:odd*name`, `a\?b`}, web},
		"escaped is literal":   {[]string{"tag:role", `\*`}, ""},
		"tag-key":              {[]string{"tag-key", "role"}, web + db},
		"tag-value":            {[]string{"tag-value", "db"}, db},
		"state":                {[]string{"instance-state-name", "running"}, web + db},
		"code":                 {[]string{"instance-state-code", "48"}, bare},
		"id":                   {[]string{"instance-id", db}, db},
		"client token":         {[]string{"client-token", "t*"}, db},
		"and":                  {[]string{"tag:role", "*", "instance-state-name", "terminated"}, ""},
		"case counts":          {[]string{"tag:role", "WEB"}, ""},
		"a tag nobody has":     {[]string{"tag:nobody", "*"}, ""},
		"many stars are quick": {[]string{"tag:role", strings.Repeat("*a", 120)}, ""},
	} {
		var params []string
		for i := 0; i < len(c.filters); i += 2 {
			n := "Filter." + string(rune('1'+i/2))
			params = append(params, n+".Name", c.filters[i], n+".Value.1", c.filters[i+1])
		}
		if got := strings.Join(f.call("DescribeInstances", params...).ok().all("instanceId"), ""); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	or := f.call("DescribeInstances", "Filter.1.Name", "tag:role", "Filter.1.Value.1", "web", "Filter.1.Value.2", "db")
	if got := strings.Join(or.all("instanceId"), ""); got != web+db {
		t.Errorf("two values of a filter: %s", got)
	}
	f.call("DescribeInstances", "Filter.1.Name", "shoe-size", "Filter.1.Value.1", "44").fails(400, "InvalidParameterValue")
	f.call("DescribeInstances", "Filter.1.Name", "tag:role").fails(400, "InvalidParameterValue")
}

func TestPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	ids := f.run("MaxCount", "7")
	ids = append(ids, f.run("MaxCount", "6")...)
	var seen []string
	params := []string{"MaxResults", "5"}
	for pages := 1; ; pages++ {
		a := f.call("DescribeInstances", params...).ok()
		seen = append(seen, a.all("instanceId")...)
		next := a.all("nextToken")
		if len(next) == 0 {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		if pages == 1 { // what happens between two pages neither repeats a row nor skips one
			ids = append(ids, f.run()...)
		}
		params = []string{"MaxResults", "5", "NextToken", next[0]}
	}
	if got, want := strings.Join(seen, " "), strings.Join(ids, " "); got != want {
		t.Errorf("seen %s\nwant %s", got, want)
	}
	f.call("DescribeInstances", "MaxResults", "4").fails(400, "InvalidParameterValue")
	f.call("DescribeInstances", "MaxResults", "1001").fails(400, "InvalidParameterValue")
	f.call("DescribeInstances", "MaxResults", "five").fails(400, "InvalidParameterValue")
	f.call("DescribeInstances", "NextToken", "bm9uc2Vuc2U").fails(400, "InvalidParameterValue")
	f.call("DescribeTags", "NextToken", params[3]).fails(400, "InvalidParameterValue") // a token of another action
	a := f.call("DescribeInstances", "InstanceId.1", ids[0], "MaxResults", "5")
	a.fails(400, "InvalidParameterCombination")
	a.says("The parameter instancesSet cannot be used with the parameter maxResults")
}
