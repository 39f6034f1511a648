using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

internal static partial class SqliteLogMessages
{
    [LoggerMessage(1, LogLevel.Error, "The SQLite store fails: {Fault}", EventName = "SqliteFailed")]
    internal static partial void Failed(ILogger logger, Exception exception, string fault);

    [LoggerMessage(2, LogLevel.Information, "The SQLite store works again: {Path}", EventName = "SqliteRecovered")]
    internal static partial void Recovered(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Warning,
        "The WAL of {Path} is longer than {MaxBytes} bytes and could not be moved into the file. The store tries again every 5 seconds.",
        EventName = "SqliteWalNotTruncated")]
    internal static partial void WalNotTruncated(ILogger logger, Exception exception, string path, long maxBytes);
}
