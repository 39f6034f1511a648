using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Asks SQLite about the file of a connection, which Microsoft.Data.Sqlite has no way to.</summary>
internal static class SqliteFile
{
    private const int HasMovedOperation = 20; // SQLITE_FCNTL_HAS_MOVED

    /// <summary>
    /// Whether the file was removed or renamed, or another file is in its place. On Windows, where an open file cannot be removed, SQLite
    /// does not know the operation and the answer is false.
    /// </summary>
    internal static bool HasMoved(SqliteConnection connection) =>
        Control(connection.Handle!, 0, HasMovedOperation, out var hasMoved) == raw.SQLITE_OK && hasMoved != 0;

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control")]
    private static extern int Control(sqlite3 connection, nint mainDatabase, int operation, out int result);
}
