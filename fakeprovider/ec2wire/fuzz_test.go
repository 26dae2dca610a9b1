package ec2wire_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// FuzzServeHTTP holds the server to its promises on any request: it does not panic, answers with XML and a request id,
// keeps its bounds, and never answers 500 by itself.
func FuzzServeHTTP(f *testing.F) {
	for _, body := range []string{
		"",
		"Action=DescribeInstances&Version=2016-11-15",
		"Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=2&ImageId=" + ami + "&ClientToken=t&UserData=aGk%3D",
		"Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=999999999&ImageId=" + ami,
		"Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId=" + ami +
			"&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=%00&TagSpecification.1.Tag.1.Value=%ff",
		"Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-00000000000000001&Filter.1.Name=tag:a&Filter.1.Value.1=*%5C",
		"Action=DescribeInstances&Version=2016-11-15&Filter.-1.Name=tag-key&Filter.99999999999999999999.Value.1=%3F",
		"Action=DescribeInstances&Version=2016-11-15&MaxResults=5&NextToken=RGVzY3JpYmVJbnN0YW5jZXMvMQ",
		"Action=CreateTags&Version=2016-11-15&ResourceId.1=i-00000000000000001&Tag.1.Key=a&Tag.1=b&Tag=c",
		"Action=DeleteTags&Version=2016-11-15&ResourceId.1=i-00000000000000001",
		"Action=DescribeTags&Version=2016-11-15&Filter.1.Name=key&Filter.1.Value.1=a",
		"Action=StopInstances&Version=2016-11-15&InstanceId.1=i-00000000000000001&InstanceId.1=i-00000000000000001",
		"Action=StartInstances&Version=2016-11-15&InstanceId.1=i-00000000000000001",
		"Action=RebootInstances&Version=2016-11-15&InstanceId.1=i-00000000000000001&DryRun=true",
		"Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-00000000000000001",
		"Action=GetConsoleOutput&Version=2016-11-15&InstanceId=i-00000000000000001",
		"Action=CreateSecurityGroup&Version=2016-11-15&GroupName=%3Ca&GroupDescription=b",
		"Action=DescribeInstanceStatus&Version=2016-11-15&IncludeAllInstances=TRUE",
		"a;b=c&%",
		strings.Repeat("&", 20_000),
	} {
		f.Add(body, signature)
	}
	f.Add("Action=DescribeRegions&Version=2016-11-15", "AWS4-HMAC-SHA256 Credential=////,SignedHeaders=,Signature")
	clock := newClock()
	server := ec2wire.New(ec2wire.Options{Now: clock.Now, MaxMachines: 50, Times: slow})
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Authorization"] = []string{authorization}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		clock.add(time.Second)
		if w.Code >= 500 || w.Header().Get("X-Amzn-Requestid") == "" {
			t.Errorf("status %d, header %v", w.Code, w.Header())
		}
		for d := xml.NewDecoder(w.Body); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the reply is no XML: %v", err)
			}
		}
		if n := len(server.Machines()); n > 50 {
			t.Errorf("%d machines are kept", n)
		}
	})
}
