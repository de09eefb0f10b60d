package kube

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// RequestWithin bounds one request.
const RequestWithin = 5 * time.Second

// Bound returns a context for one request.
func Bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, RequestWithin)
}

// Explain returns what was attempted, why it failed, and where an operator can do
// something about it, what. Verb and object are as a Role names them: "update", "ConfigMap
// status-1".
func Explain(verb, object, namespace string, err error) error {
	remedy := ""
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		remedy = fmt.Sprintf(": let the Role of this process's ServiceAccount %s it", verb)
	case apierrors.IsUnauthorized(err):
		remedy = ": the credentials are not accepted; give the process valid ones"
	case apierrors.IsNotFound(err) && verb == "create":
		remedy = ": is there such a namespace?"
	}
	return fmt.Errorf("%s %s in namespace %s: %w%s", verb, object, namespace, err, remedy)
}
