// Reads objects of Kubernetes as YAML from standard input, decodes each as the API server does with
// fieldValidation=Strict, and prints them as JSON, one a line. What has an unknown kind, an unknown or
// repeated field, or a value of the wrong type is named on stderr, and the exit code is 1.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	if err := certmanager.AddToScheme(scheme.Scheme); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	wrong := false
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && isEmpty(document) {
			continue
		}
		if err == nil {
			err = show(decoder, document)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "document %d: %v\n", number, err)
			wrong = true
		}
	}
	if wrong {
		os.Exit(1)
	}
}

// isEmpty tells a document of comments alone, which a template that renders nothing leaves.
func isEmpty(document []byte) bool {
	var value any
	return yaml.Unmarshal(document, &value) == nil && value == nil
}

func show(decoder runtime.Decoder, document []byte) error {
	object, kind, err := decoder.Decode(document, nil, nil)
	if err != nil {
		return err
	}
	// Decoded objects do not say what they are.
	object.GetObjectKind().SetGroupVersionKind(*kind)
	return json.NewEncoder(os.Stdout).Encode(object)
}
