// SPDX-License-Identifier: Apache-2.0

// govalidate is a peer of the benchmark: what Go's own libraries take for the validation of one bundle. "pair" is
// crypto/tls parsing and matching key and certificate; "all" is that, then crypto/x509 parsing all certificates and
// building the chain from the leaf to the authority, with the name that clients use; the files are read each time.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

type bundle struct{ cert, key, ca []byte }

func read(dir string) (b bundle, err error) {
	for _, f := range []struct {
		name string
		to   *[]byte
	}{{"tls.crt", &b.cert}, {"tls.key", &b.key}, {"ca.crt", &b.ca}} {
		if *f.to, err = os.ReadFile(filepath.Join(dir, f.name)); err != nil {
			return b, err
		}
	}
	return b, nil
}

func load(b bundle) error {
	_, err := tls.X509KeyPair(b.cert, b.key)
	return err
}

func parseChain(rest []byte) (chain []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return chain, nil
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
}

func verify(b bundle) error {
	chain, err := parseChain(b.cert)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return errors.New("no certificate in tls.crt")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.ca) {
		return errors.New("no certificate in ca.crt")
	}
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "localhost"})
	return err
}

func all(dir string) error {
	b, err := read(dir)
	if err != nil {
		return err
	}
	if err := load(b); err != nil {
		return err
	}
	return verify(b)
}

// measure prints the median and the 99th percentile of n runs in microseconds.
func measure(dir, step string, n int, run func() error) error {
	took := make([]float64, 0, n)
	for range n {
		start := time.Now()
		if err := run(); err != nil {
			return fmt.Errorf("%s of %s: %w", step, dir, err)
		}
		took = append(took, float64(time.Since(start).Nanoseconds())/1000)
	}
	slices.Sort(took)
	fmt.Printf("{\"bundle\":%q,\"step\":%q,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
		filepath.Base(dir), step, took[n/2], took[n*99/100])
	return nil
}

func run(count string, dirs []string) error {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return fmt.Errorf("'%s' is not a number of runs", count)
	}
	for _, dir := range dirs {
		b, err := read(dir)
		if err != nil {
			return err
		}
		if err := measure(dir, "pair", n, func() error { return load(b) }); err != nil {
			return err
		}
		if err := measure(dir, "all", n, func() error { return all(dir) }); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: govalidate RUNS DIR...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "govalidate:", err)
		os.Exit(1)
	}
}
