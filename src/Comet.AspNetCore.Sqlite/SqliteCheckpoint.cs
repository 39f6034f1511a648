using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Keeps the WAL short, and tells the operators once when something holds it up.</summary>
internal sealed class SqliteCheckpoint(string path, ILogger logger)
{
    private const long MaxWalBytes = 16 * 1024 * 1024;

    private const string InUse = "another program has a transaction open that needs it. End that transaction.";

    private bool _isHeldUp;

    /// <summary>Moves a WAL that has become long into the file. Appends go on if that fails, while there is room for it.</summary>
    internal void TruncateWal(SqliteDatabase database)
    {
        try
        {
            if (database.WalLength is not > MaxWalBytes || database.TryTruncateWal())
            {
                GoOn();
            }
            else
            {
                HoldUp(database, InUse, exception: null);
            }
        }
        catch (SqliteException exception) when (SqliteFaults.LeavesFileIntact(exception))
        {
            HoldUp(database, SqliteFaults.Describe(exception, path).Message, exception);
        }
    }

    private void HoldUp(SqliteDatabase database, string reason, Exception? exception)
    {
        if (!_isHeldUp)
        {
            SqliteLogMessages.WalNotTruncated(logger, exception, path, database.WalLength ?? 0, reason);
        }
        _isHeldUp = true;
    }

    private void GoOn()
    {
        if (_isHeldUp)
        {
            SqliteLogMessages.WalTruncated(logger, path);
        }
        _isHeldUp = false;
    }
}
