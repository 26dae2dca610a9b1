package machine

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// told asks the metadata service what this machine is, until it is told: the machine may be off its network as it boots. One
// that the service does not know stays dark.
func told(metadata string) Config {
	host, _ := os.Hostname() // the Engine's name of the container; without one, the service knows no such machine
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		c, code, err := ask(client, metadata+"/machines/"+host)
		switch {
		case err == nil && code == http.StatusOK:
			return c
		case err == nil && code == http.StatusNotFound:
			select {}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func ask(client *http.Client, url string) (c Config, code int, err error) {
	r, err := client.Get(url) //nolint:noctx,gosec // the client has a time-out; the URL is the harness's
	if err != nil {
		return c, 0, err
	}
	defer r.Body.Close() //nolint:errcheck // it is read
	if r.StatusCode != http.StatusOK {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // what it says does not matter
		return c, r.StatusCode, nil
	}
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		return c, 0, fmt.Errorf("machine: its configuration: %w", err)
	}
	return c, r.StatusCode, nil
}
