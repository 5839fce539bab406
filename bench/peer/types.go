package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Unlock is one request, with the fields that the bare job needs. It is registered under whatever kind the peer is
// told to act on.
type Unlock struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   UnlockSpec   `json:"spec"`
	Status UnlockStatus `json:"status,omitempty"`
}

// UnlockSpec says which account of which directory.
type UnlockSpec struct {
	Directory string  `json:"directory"`
	Account   Account `json:"account"`
}

// Account is named by its login.
type Account struct {
	Login string `json:"login,omitempty"`
}

// UnlockStatus says how it ended, in the fields of the operator's own kind, as far as whoever does the bare job knows them.
type UnlockStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Outcome            string             `json:"outcome,omitempty"`
	StartTime          *metav1.Time       `json:"startTime,omitempty"`
	CompletionTime     *metav1.Time       `json:"completionTime,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	Account            *AccountReference  `json:"account,omitempty"`
}

// AccountReference says which account was acted on.
type AccountReference struct {
	Directory string `json:"directory"`
	ID        string `json:"id"`
}

// UnlockList is a list of them.
type UnlockList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Unlock `json:"items"`
}

// DeepCopyObject implements runtime.Object.
func (in *Unlock) DeepCopyObject() runtime.Object {
	return in.deepCopy()
}

func (in *Unlock) deepCopy() *Unlock {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.StartTime = in.Status.StartTime.DeepCopy()
	out.Status.CompletionTime = in.Status.CompletionTime.DeepCopy()
	if in.Status.Account != nil {
		account := *in.Status.Account
		out.Status.Account = &account
	}
	if in.Status.Conditions != nil {
		out.Status.Conditions = make([]metav1.Condition, len(in.Status.Conditions))
		for i := range in.Status.Conditions {
			in.Status.Conditions[i].DeepCopyInto(&out.Status.Conditions[i])
		}
	}
	return &out
}

// DeepCopyObject implements runtime.Object.
func (in *UnlockList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]Unlock, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].deepCopy()
	}
	return &out
}

func schemeOf(gvk schema.GroupVersionKind) *runtime.Scheme {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypeWithName(gvk, &Unlock{})
	scheme.AddKnownTypeWithName(gvk.GroupVersion().WithKind(gvk.Kind+"List"), &UnlockList{})
	metav1.AddToGroupVersion(scheme, gvk.GroupVersion())
	return scheme
}
