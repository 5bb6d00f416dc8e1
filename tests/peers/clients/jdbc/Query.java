// SPDX-License-Identifier: Apache-2.0
// Microsoft's JDBC driver: URL, then statements; prints the first column of each row. Run from source.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

public class Query {
    public static void main(String[] arguments) {
        try (Connection connection = DriverManager.getConnection(arguments[0]);
                Statement statement = connection.createStatement()) {
            for (int i = 1; i < arguments.length; i++) {
                if (!statement.execute(arguments[i]))
                    continue;
                ResultSet rows = statement.getResultSet();
                while (rows.next())
                    System.out.println(rows.getString(1));
            }
        } catch (SQLException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
