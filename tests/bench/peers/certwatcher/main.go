// SPDX-License-Identifier: Apache-2.0

// certwatcher is a peer of the benchmark: controller-runtime's certificate watcher, as its documentation shows it,
// with a callback that makes the server read the files again over a connection that stays open.
package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	_ "github.com/go-sql-driver/mysql"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// openConnection returns one open connection to the server at the socket.
func openConnection(ctx context.Context, socket string) (*sql.Conn, error) {
	db, err := sql.Open("mysql", fmt.Sprintf("root@unix(%s)/", socket))
	if err != nil {
		return nil, err
	}
	return db.Conn(ctx)
}

func run(volume, socket string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	conn, err := openConnection(ctx, socket)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", socket, err)
	}
	watcher, err := certwatcher.New(filepath.Join(volume, "tls.crt"), filepath.Join(volume, "tls.key"))
	if err != nil {
		return fmt.Errorf("watch %s: %w", volume, err)
	}
	watcher.RegisterCallback(func(tls.Certificate) {
		if _, err := conn.ExecContext(ctx, "FLUSH LOCAL SSL"); err != nil {
			fmt.Fprintln(os.Stderr, "FLUSH LOCAL SSL:", err)
		}
	})
	return watcher.Start(ctx)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: certwatcher VOLUME SOCKET")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "certwatcher:", err)
		os.Exit(1)
	}
}
