package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// Network is a network of its owner's own.
type Network struct {
	ID      string
	Name    string
	Gateway string // the address of this machine on it
	Subnet  netip.Prefix
	engine  *Engine
}

// CreateNetwork creates a bridge that only the given labels' owner uses. It leads to this machine and not beyond it.
func (e *Engine) CreateNetwork(ctx context.Context, name string, labels map[string]string) (*Network, error) {
	made, err := e.Client.CreateNetwork(dc.CreateNetworkOptions{Name: name, Driver: "bridge", Internal: true, CheckDuplicate: true, Labels: labels, Context: ctx})
	if err != nil {
		return nil, failure(ctx, "create network "+name, err)
	}
	n := &Network{ID: made.ID, Name: name, engine: e}
	if err := n.look(ctx); err != nil {
		return nil, errors.Join(err, n.Remove(context.WithoutCancel(ctx)))
	}
	return n, nil
}

// Network returns a network that is there, by name or id; the Engine's default one where that is empty. Of one that has no
// addresses of its own, such as the host's, Gateway is empty.
func (e *Engine) Network(ctx context.Context, name string) (*Network, error) {
	n := &Network{ID: cmp.Or(name, defaultNetwork), Name: cmp.Or(name, defaultNetwork), engine: e}
	var none *dc.NoSuchNetwork
	switch err := n.look(ctx); {
	case errors.As(err, &none):
		return nil, fmt.Errorf("docker: network %s is not there: docker network create %s makes it", n.Name, n.Name)
	case err != nil && !errors.Is(err, errNoAddresses):
		return nil, err
	}
	return n, nil
}

// defaultNetwork is the one that containers are on that are told of none.
const defaultNetwork = "bridge"

var errNoAddresses = errors.New("it has no addresses")

// look asks the Engine for the network's addresses.
func (n *Network) look(ctx context.Context) error {
	info, err := n.engine.Client.NetworkInfo(n.ID)
	if err == nil && len(info.IPAM.Config) == 0 {
		err = errNoAddresses
	}
	if err != nil {
		return failure(ctx, "inspect network "+n.Name, err)
	}
	if n.Subnet, err = netip.ParsePrefix(info.IPAM.Config[0].Subnet); err != nil {
		return fmt.Errorf("docker: network %s: %w", n.Name, err)
	}
	n.ID, n.Gateway = info.ID, info.IPAM.Config[0].Gateway
	if n.Gateway == "" { // the default network's is not always told; it is the first address
		n.Gateway = n.Subnet.Masked().Addr().Next().String()
	}
	return nil
}

// Disconnect takes a container off the network, as a cable that is pulled: whoever it talks to hears nothing any more.
func (n *Network) Disconnect(ctx context.Context, container string) error {
	err := n.engine.Client.DisconnectNetwork(n.ID, dc.NetworkConnectionOptions{Container: container, Force: true, Context: ctx})
	return failure(ctx, "disconnect "+container, err)
}

// Connect puts a container back onto the network.
func (n *Network) Connect(ctx context.Context, container string) error {
	err := n.engine.Client.ConnectNetwork(n.ID, dc.NetworkConnectionOptions{Container: container, Context: ctx})
	return failure(ctx, "connect "+container, err)
}

// ErrStuck is a network that the Engine does not remove, since it takes it for used, and that nobody uses: Engines of old
// (20.10) lose count, and let go of it when they are restarted.
var ErrStuck = errors.New("nothing is on the network, and the Engine takes it for used until it is restarted")

// How long containers may take to leave a network that is to be removed, where somebody may be removing them, and how long the
// Engine may take to notice that they have left.
const (
	leavePatience = 15 * time.Second
	stuckPatience = 2 * time.Second
)

// Remove removes the network. Containers on it must be gone, or on their way.
func (n *Network) Remove(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := n.engine.Client.RemoveNetwork(n.ID)
		var none *dc.NoSuchNetwork
		var api *dc.Error
		if err == nil || errors.As(err, &none) {
			return nil
		}
		waited := time.Since(began)
		if errors.As(err, &api) && strings.Contains(api.Message, "active endpoints") && waited < leavePatience && ctx.Err() == nil {
			if waited < stuckPatience {
				continue
			}
			info, look := n.engine.Client.NetworkInfo(n.ID)
			switch {
			case look == nil && len(info.Containers) == 0:
				return fmt.Errorf("docker: %s: %w", n.Name, ErrStuck)
			case look == nil:
				continue
			}
		}
		return fmt.Errorf("%w (network %s)", failure(ctx, "remove network", err), n.Name)
	}
}
