using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Connections;

/// <summary>What every stream uses, of a feed or of a sequence.</summary>
internal sealed class ConnectionServices(
    ConnectionAcceptor acceptor,
    MonotonicClock clock,
    ConnectionHeartbeat heartbeat,
    ConnectionShutdown shutdown,
    WriteDeadline writeDeadline,
    ReconnectDelay reconnectDelay,
    CometMetrics metrics,
    ILoggerFactory loggers)
{
    // The category of log messages about streams, as docs/operations.md names it.
    private const string LogCategory = "Comet.AspNetCore.CometResult";

    internal ConnectionAcceptor Acceptor => acceptor;

    internal MonotonicClock Clock => clock;

    internal ConnectionHeartbeat Heartbeat => heartbeat;

    internal ConnectionShutdown Shutdown => shutdown;

    internal WriteDeadline WriteDeadline => writeDeadline;

    internal ReconnectDelay ReconnectDelay => reconnectDelay;

    internal CometMetrics Metrics => metrics;

    internal ILogger Logger { get; } = loggers.CreateLogger(LogCategory);

    /// <summary>The last message of a stream, which says whether and when to come back.</summary>
    internal ControlMessage EndMessage(EndReason reason) =>
        ControlMessage.End(reason.Name, reason.ComesBack ? reconnectDelay.Next() : null);

    /// <summary>Why a stream must end now; null: it goes on.</summary>
    internal EndReason? DueEnd(Connection connection) => connection.DueEnd(clock.Now, shutdown);

    /// <summary>Counts a stream as open.</summary>
    /// <param name="connection">The stream's.</param>
    /// <param name="feed">The family of its feed; null for a sequence.</param>
    internal void CountOpened(Connection connection, string? feed) => metrics.StreamOpened(connection.Format.Name, feed);

    /// <summary>Counts a stream as ended.</summary>
    /// <inheritdoc cref="CountOpened"/>
    internal void CountEnded(Connection connection, string? feed, EndReason reason) =>
        metrics.StreamEnded(connection.Format.Name, feed, reason.Name, connection.AgeAt(clock.Now));
}
