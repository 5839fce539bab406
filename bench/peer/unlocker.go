package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// unlocker does the bare job.
type unlocker struct {
	client   client.Client
	upstream *upstream
	// terse leaves out of the status to which account it was done, and since when.
	terse bool
}

func (u *unlocker) register(manager ctrl.Manager, workers int) error {
	return ctrl.NewControllerManagedBy(manager).
		Named("unlocker").
		// Its own status writes change no generation, and wake it for nothing.
		For(&Unlock{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(u)
}

// Reconcile implements reconcile.Reconciler.
func (u *unlocker) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var unlock Unlock
	if err := u.client.Get(ctx, request.NamespacedName, &unlock); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if unlock.Status.Outcome != "" {
		return ctrl.Result{}, nil
	}
	account, err := u.upstream.read(ctx, unlock.Spec.Account.Login)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read the account: %w", err)
	}
	begun := metav1.Now()
	reason, message := "NotLocked", "the account was not locked; nothing was done"
	if account.Status == "LOCKED_OUT" {
		if err := u.upstream.unlock(ctx, account.ID); err != nil {
			return ctrl.Result{}, fmt.Errorf("unlock the account: %w", err)
		}
		reason, message = "Unlocked", "the lock was cleared"
	}
	unlock.Status = finished(unlock.Generation, reason, message)
	if !u.terse {
		unlock.Status.StartTime = &begun
		unlock.Status.Account = &AccountReference{Directory: unlock.Spec.Directory, ID: account.ID}
	}
	if err := u.client.Status().Update(ctx, &unlock); err != nil {
		return ctrl.Result{}, fmt.Errorf("write the status: %w", err)
	}
	return ctrl.Result{}, nil
}

// finished is a status with the conditions that kstatus and `kubectl wait` look for.
func finished(generation int64, reason, message string) UnlockStatus {
	now := metav1.Now()
	condition := func(kind string) metav1.Condition {
		return metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message,
			LastTransitionTime: now, ObservedGeneration: generation,
		}
	}
	return UnlockStatus{
		ObservedGeneration: generation,
		Outcome:            "Succeeded",
		CompletionTime:     &now,
		Conditions:         []metav1.Condition{condition("Succeeded"), condition("Ready")},
	}
}
