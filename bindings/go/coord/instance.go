package coord

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	pb "coord/bindings/go/coord/v1"
)

// ServiceInstance is what the data of the node /services/NAME/ID say (bindings/SPEC.md).
type ServiceInstance struct {
	Name     string            `json:"name"`
	ID       string            `json:"id"`
	Address  string            `json:"address"`
	Port     int               `json:"port"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// LocalInstance is one on this machine, whose id and port are the arguments of a command line.
func LocalInstance(name string, arguments []string) (ServiceInstance, error) {
	if len(arguments) != 2 {
		return ServiceInstance{}, errors.New("usage: INSTANCE PORT")
	}
	port, err := strconv.Atoi(arguments[1])
	if err != nil {
		return ServiceInstance{}, fmt.Errorf("PORT is %q; it must be a number from 1 to 65535", arguments[1])
	}
	instance := ServiceInstance{Name: name, ID: arguments[0], Address: "127.0.0.1", Port: port}
	return instance, instance.check()
}

// ServiceInstances are those that the children of /services/NAME describe, in their order. Nodes that are
// no instances are left out.
func ServiceInstances(name string, children []*pb.Child) []ServiceInstance {
	var instances []ServiceInstance
	for _, child := range children {
		var instance ServiceInstance
		if json.Unmarshal(child.Data, &instance) == nil && instance.check() == nil &&
			instance.Name == name && instance.ID == child.Name {
			instances = append(instances, instance)
		}
	}
	return instances
}

// Without gives those that are not among the others, in their order.
func Without(instances, others []ServiceInstance) []ServiceInstance {
	return slices.DeleteFunc(slices.Clone(instances), func(instance ServiceInstance) bool {
		return slices.ContainsFunc(others, func(other ServiceInstance) bool {
			return instance.String() == other.String()
		})
	})
}

// Path is that of its node.
func (i ServiceInstance) Path() string {
	return "/services/" + i.Name + "/" + i.ID
}

// Data are those of its node.
func (i ServiceInstance) Data() []byte {
	data, err := json.Marshal(i)
	if err != nil {
		panic(err) // strings and a number can always be written
	}
	return data
}

// String is its id and where it is.
func (i ServiceInstance) String() string {
	return fmt.Sprintf("%s %s:%d", i.ID, i.Address, i.Port)
}

func (i ServiceInstance) check() error {
	switch {
	case i.ID == "" || strings.Contains(i.ID, "/"):
		return fmt.Errorf("INSTANCE is %q; it must be a name without /", i.ID)
	case i.Address == "":
		return errors.New("the address is empty")
	case i.Port < 1 || i.Port > 65535:
		return fmt.Errorf("PORT is %d; it must be a number from 1 to 65535", i.Port)
	case len(i.Metadata) > 64:
		return errors.New("there are more than 64 metadata")
	}
	return nil
}
