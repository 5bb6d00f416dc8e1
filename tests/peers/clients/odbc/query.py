# SPDX-License-Identifier: Apache-2.0
"""Microsoft's ODBC driver, as mssql-python carries it: connection string, then statements; prints the first column."""

import sys

import mssql_python

try:
    cursor = mssql_python.connect(sys.argv[1]).cursor()
    for text in sys.argv[2:]:
        cursor.execute(text)
        for row in cursor.fetchall():
            print(row[0])
except Exception as e:  # the driver has some of its own; all of them are told alike
    sys.exit(f"{type(e).__name__}: {e}")
