using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

internal static partial class SqliteLogMessages
{
    [LoggerMessage(1, LogLevel.Error, "The store of feeds fails: {Fault}", EventName = "SqliteFailed")]
    internal static partial void Failed(ILogger logger, Exception exception, string fault);

    [LoggerMessage(2, LogLevel.Information, "The store of feeds works again: {Path}", EventName = "SqliteRecovered")]
    internal static partial void Recovered(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Warning, "The write-ahead log of {Path} is long and could not be moved into the file; it is tried again", EventName = "SqliteWalNotTruncated")]
    internal static partial void WalNotTruncated(ILogger logger, Exception exception, string path);
}
