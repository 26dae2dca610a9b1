package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// Kind is what an item of the inventory is.
type Kind string

// The kinds of items.
const (
	KindContainer Kind = "container"
	KindNetwork   Kind = "network"
	KindImage     Kind = "image"
)

// Life says whether an item's owner lives.
type Life string

// What can be known of an owner.
const (
	Alive   Life = "alive"
	Gone    Life = "gone"
	Unknown Life = "unknown" // it runs on another machine, or in another boot or namespace of this one
	Nobody  Life = ""        // there is none: a controller's containers outlive it
)

// LifeOf looks whether an owner lives, as [Self] names it.
func LifeOf(owner string) Life {
	switch where, _, _ := strings.Cut(owner, "/"); {
	case owner == "":
		return Nobody
	case gone(owner):
		return Gone
	case where == home():
		return Alive
	default:
		return Unknown
	}
}

// Item is something on the Engine that this package made: its labels say so.
type Item struct {
	Kind        Kind
	ID          string // as much of it as the Engine's own tools show
	Name        string
	State       string // of a container, in the Engine's words; of an image, used or unused
	Deployment  string // of a container
	WorkspaceID string
	Incarnation int
	Workspace   string // its name
	Owner       string
	Life        Life
	CreatedAt   time.Time
	Lifetime    time.Duration // 0 is for ever
	// Users are the ids of what uses an image: containers, whoever's, and networks of living owners whose machines boot it.
	Users []string
}

// FreshImage is how old an image must be until it is left over where nothing uses it: a run may have just built it.
const FreshImage = 10 * time.Minute

// LeftOver reports whether nobody will miss the item: its owner is gone, or it is older than it may become. A network
// goes by its owner alone, since one that lives may put containers on it; an image by who uses it.
func (i Item) LeftOver(now time.Time) bool {
	switch i.Kind {
	case KindImage:
		return len(i.Users) == 0 && now.Sub(i.CreatedAt) > FreshImage
	case KindNetwork:
		return i.Life == Gone
	default:
		return i.Life == Gone || i.Lifetime > 0 && now.Sub(i.CreatedAt) > i.Lifetime
	}
}

// Due returns the items that are left over, and those that were made longer ago than older where that is not 0.
func Due(items []Item, older time.Duration, now time.Time) []Item {
	return Choose(items, func(i Item) bool { return i.LeftOver(now) || older > 0 && now.Sub(i.CreatedAt) > older })
}

// Choose returns the items that are wanted, without images that something uses which is not among them.
func Choose(items []Item, wanted func(Item) bool) []Item {
	chosen := map[string]bool{}
	var out []Item
	for _, i := range items {
		if i.Kind != KindImage && wanted(i) {
			chosen[i.ID] = true
			out = append(out, i)
		}
	}
	for _, i := range items {
		if i.Kind != KindImage {
			continue
		}
		left := i
		left.Users = slices.DeleteFunc(slices.Clone(i.Users), func(user string) bool { return chosen[user] })
		if len(left.Users) == 0 && wanted(left) {
			out = append(out, i)
		}
	}
	return out
}

// Inventory returns all on the Engine that carries the labels of this package: containers, then networks, then images, each
// by age. What others made is not in it.
func (e *Engine) Inventory(ctx context.Context) ([]Item, error) {
	var containers []struct {
		ID      string `json:"Id"`
		ImageID string
		Names   []string
		State   string
		Created int64
		Labels  map[string]string
	}
	var networks []struct {
		ID      string `json:"Id"`
		Name    string
		Created time.Time
		Labels  map[string]string
	}
	if err := e.get(ctx, "/containers/json?all=1", &containers); err != nil {
		return nil, err
	}
	if err := e.get(ctx, "/networks", &networks); err != nil {
		return nil, err
	}
	images, err := e.Client.ListImages(dc.ListImagesOptions{Context: ctx, Filters: map[string][]string{"label": {LabelProgram}}})
	if err != nil {
		return nil, failure(ctx, "list images", err)
	}
	var items []Item
	users := map[string][]string{} // of images by id, and of programs by hash
	for _, c := range containers {
		users[c.ImageID] = append(users[c.ImageID], short(c.ID))
		if c.Labels[LabelDeployment] == "" && c.Labels[LabelOwner] == "" {
			continue
		}
		i := itemOf(KindContainer, c.ID, c.Labels, time.Unix(c.Created, 0))
		i.State = c.State
		if len(c.Names) > 0 {
			i.Name = strings.TrimPrefix(c.Names[0], "/")
		}
		items = append(items, i)
	}
	for _, n := range networks {
		if n.Labels[LabelOwner] == "" {
			continue
		}
		i := itemOf(KindNetwork, n.ID, n.Labels, n.Created)
		i.Name, i.State = n.Name, "-"
		if i.Life != Gone {
			users[n.Labels[LabelProgram]] = append(users[n.Labels[LabelProgram]], i.ID)
		}
		items = append(items, i)
	}
	for _, x := range images {
		i := itemOf(KindImage, strings.TrimPrefix(x.ID, "sha256:"), nil, time.Unix(x.Created, 0))
		i.Name, i.State = nameOfImage(x), "unused"
		if i.Users = slices.Concat(users[x.ID], users[x.Labels[LabelProgram]]); len(i.Users) > 0 {
			i.State = "used"
		}
		items = append(items, i)
	}
	kinds := []Kind{KindContainer, KindNetwork, KindImage}
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return items, nil
}

func itemOf(kind Kind, id string, labels map[string]string, created time.Time) Item {
	incarnation, _ := strconv.Atoi(labels[LabelIncarnation]) // 0 where it is no machine
	lifetime, _ := time.ParseDuration(labels[LabelLifetime]) // 0 where there is none
	return Item{
		Kind: kind, ID: short(id), Deployment: labels[LabelDeployment], WorkspaceID: labels[LabelWorkspace], Incarnation: incarnation,
		Workspace: labels[LabelName], Owner: labels[LabelOwner], Life: LifeOf(labels[LabelOwner]), CreatedAt: created, Lifetime: lifetime,
	}
}

func short(id string) string { return id[:min(len(id), idLength)] }

func nameOfImage(i dc.APIImages) string {
	if len(i.RepoTags) == 0 || i.RepoTags[0] == "<none>:<none>" {
		return "-"
	}
	return i.RepoTags[0]
}

// get asks the Engine for what the client has no words for.
func (e *Engine) get(ctx context.Context, path string, out any) error {
	u, err := url.Parse(e.URL().String() + path)
	if err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	r, err := e.Client.HTTPClient.Do(q)
	if err != nil {
		return failure(ctx, "GET "+path, err)
	}
	defer r.Body.Close() //nolint:errcheck // it is read
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("docker: GET %s: %s", path, r.Status)
	}
	if err := json.NewDecoder(r.Body).Decode(out); err != nil {
		return failure(ctx, "GET "+path, err)
	}
	return nil
}

// RemoveItems removes items of the inventory, containers that run too, and returns those that are gone then. What cannot be
// removed is named in the error, and keeps nothing else from being removed.
func (e *Engine) RemoveItems(ctx context.Context, items []Item) (removed []Item, err error) {
	var problems []error
	for _, kind := range []Kind{KindContainer, KindNetwork, KindImage} { // what uses another goes first
		for _, i := range items {
			if i.Kind != kind {
				continue
			}
			if err := e.removeItem(ctx, i); err != nil {
				problems = append(problems, fmt.Errorf("removing %s %s: %w", i.Kind, cmp.Or(strings.Trim(i.Name, "-"), i.ID), err))
				continue
			}
			removed = append(removed, i)
		}
	}
	return removed, errors.Join(problems...)
}

func (e *Engine) removeItem(ctx context.Context, i Item) error {
	switch i.Kind {
	case KindContainer:
		return e.Remove(ctx, i.ID)
	case KindNetwork:
		return (&Network{ID: i.ID, Name: i.Name, engine: e}).Remove(ctx)
	default: // not by force: the Engine refuses to remove what a container uses
		err := e.Client.RemoveImage(cmp.Or(strings.Trim(i.Name, "-"), i.ID))
		if errors.Is(err, dc.ErrNoSuchImage) {
			return nil
		}
		return failure(ctx, "remove image", err)
	}
}
