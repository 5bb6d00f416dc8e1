// SPDX-License-Identifier: Apache-2.0

// go-mssqldb: URL, then statements; prints the first column of each row.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/microsoft/go-mssqldb"
)

func query(database *sql.DB, text string) error {
	rows, err := database.Query(text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var value sql.NullString
		if err := rows.Scan(&value); err != nil {
			return err
		}
		fmt.Println(value.String)
	}
	return rows.Err()
}

func main() {
	database, err := sql.Open("sqlserver", os.Args[1])
	for i := 2; err == nil && i < len(os.Args); i++ {
		err = query(database, os.Args[i])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
