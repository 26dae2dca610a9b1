package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// dockerFlags say which containers to start, and where.
type dockerFlags struct {
	Host       string            `placeholder:"URL" help:"Docker Engine, such as unix:///run/docker.sock or tcp://127.0.0.1:2375. Default: DOCKER_HOST, or this machine's."`
	Deployment string            `placeholder:"NAME" help:"Name that identifies this controller's containers; required. Only controllers that share a database may share it: others would stop each other's containers."`
	Image      string            `placeholder:"NAME" help:"Image of the containers. It must exist on the Engine: nothing is pulled. Default: bootrace:latest, which make image builds."`
	Command    string            `placeholder:"ARGUMENTS" help:"Arguments of the image's entry point, separated by spaces. Default: agent at this controller's speed for bootrace:latest, otherwise the image's own."`
	Network    string            `placeholder:"NAME" help:"Network of the containers. Default: the Engine's default network."`
	Env        map[string]string `placeholder:"NAME=VALUE" help:"Environment variable for all containers, in addition to those that describe the workspace, such as BOOTRACE_LLM_URL=http://172.17.0.1:8090. May be repeated."`
	Memory     string            `placeholder:"SIZE" help:"Memory limit of a container, such as 256m. Default: none."`
	Expiry     time.Duration     `placeholder:"TIME" help:"Lifetime of a container, such as 4h. It is stored in a label, for bootrace cloud reap --expired."`
	Retain     time.Duration     `placeholder:"TIME" help:"How long a container that has exited is kept for its log. Default: 1h."`
}

// bootraceImage is the image that make image builds of this program.
const bootraceImage = "bootrace:latest"

// given names a flag that was given, where one was.
func (f dockerFlags) given() string {
	for _, x := range []struct {
		name string
		set  bool
	}{
		{"host", f.Host != ""}, {"deployment", f.Deployment != ""}, {"image", f.Image != ""}, {"command", f.Command != ""},
		{"network", f.Network != ""}, {"env", f.Env != nil}, {"memory", f.Memory != ""}, {"expiry", f.Expiry != 0}, {"retain", f.Retain != 0},
	} {
		if x.set {
			return "--docker-" + x.name
		}
	}
	return ""
}

// config returns the configuration, for a controller of the speed, or everything that is wrong with it.
func (f dockerFlags) config(speed float64) (docker.Config, error) {
	c := docker.Config{
		Deployment: f.Deployment, Host: f.Host, Image: f.Image, Command: strings.Fields(f.Command), Network: f.Network, Env: f.Env,
		Lifetime: f.Expiry, Retain: f.Retain,
	}
	if c.Image == "" {
		c.Image = bootraceImage
	}
	if c.Image == bootraceImage && len(c.Command) == 0 {
		c.Command = []string{"agent", "--speed=" + strconv.FormatFloat(speed, 'g', -1, 64)}
	}
	var problems []error
	if f.Deployment == "" {
		problems = append(problems, errors.New("which containers are this controller's? Give --docker-deployment a name that no "+
			"controller with another database has on this Engine: whatever has it, and is in no row, is stopped"))
		c.Deployment = "missing" // and is not to be complained of twice
	}
	if f.Memory != "" {
		bytes, err := units.RAMInBytes(f.Memory)
		if err != nil || bytes <= 0 {
			problems = append(problems, fmt.Errorf("--docker-memory %s is no size, such as 256m or 1g", f.Memory))
		}
		c.Memory = bytes
	}
	return c, errors.Join(append(problems, c.Validate())...)
}

// dockerReach is how containers on the network reach a controller that listens at the address: its public URL, where one was
// given, or else the host that stands for this machine on the network. A loopback address is the container's own to it.
func dockerReach(n *docker.Network, listen, publicURL string) (host string, err error) {
	if n.Gateway == "" { // the host's network, where containers have the machine's own addresses
		return "", nil
	}
	_, port, _ := net.SplitHostPort(listen)
	wayOut := fmt.Sprintf("--listen %s, which is this machine on the network %s", net.JoinHostPort(n.Gateway, port), n.Name)
	if publicURL != "" {
		u, err := url.Parse(publicURL)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("--public-url %s is no URL with a host", publicURL)
		}
		if loopback(u.Hostname()) {
			return "", fmt.Errorf("containers do not reach --public-url %s, which is each container to itself: give an address that "+
				"they reach, or only %s", publicURL, wayOut)
		}
		return "", nil
	}
	switch host, _, _ := net.SplitHostPort(listen); {
	case loopback(host):
		return "", fmt.Errorf("containers do not reach --listen %s, which is each container to itself: give %s, or a --public-url",
			listen, wayOut)
	case host == "" || net.ParseIP(host).IsUnspecified():
		return n.Gateway, nil
	}
	return "", nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// openDocker opens the cloud, once the Engine can launch what the configuration says. It returns the host by which containers
// reach this machine, where that is not the one to listen on.
func (c *controllerCmd) openDocker(ctx context.Context) (machines *docker.Cloud, host string, err error) {
	config, err := c.Docker.config(c.Speed)
	if err != nil {
		return nil, "", usage(err)
	}
	if machines, err = docker.New(config); err != nil {
		return nil, "", usage(err)
	}
	network, err := machines.Check(ctx)
	if err != nil {
		machines.Close()
		return nil, "", stopped(ctx, err)
	}
	if host, err = dockerReach(network, c.Listen, c.PublicURL); err != nil {
		machines.Close()
		return nil, "", usage(err)
	}
	return machines, host, nil
}
