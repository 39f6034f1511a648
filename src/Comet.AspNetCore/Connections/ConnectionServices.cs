using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Connections;

/// <summary>What every stream uses, of a feed or of a sequence.</summary>
internal sealed record ConnectionServices(
    ConnectionAcceptor Acceptor,
    MonotonicClock Clock,
    ConnectionHeartbeat Heartbeat,
    ConnectionShutdown Shutdown,
    WriteDeadline WriteDeadline,
    ReconnectDelay ReconnectDelay,
    CometMetrics Metrics,
    ILoggerFactory Loggers)
{
    // The category of log messages about streams, as operators know it.
    private const string LogCategory = "Comet.AspNetCore.CometResult";

    internal ILogger Logger { get; } = Loggers.CreateLogger(LogCategory);

    /// <summary>The last message of a stream, which says whether and when to come back.</summary>
    /// <param name="reason">Why it ends.</param>
    /// <param name="lastId">What a client that comes back all the same names.</param>
    internal ControlMessage EndMessage(EndReason reason, FeedPosition? lastId = null) =>
        ControlMessage.End(reason.Name, RetryOf(reason), reason.ComesBack ? null : lastId?.ToString());

    // Who polls has nothing to wait for.
    private TimeSpan? RetryOf(EndReason reason) =>
        reason == EndReason.Polled ? TimeSpan.Zero : reason.ComesBack ? ReconnectDelay.Next() : null;

    /// <summary>Why a stream must end now; null: it goes on.</summary>
    internal EndReason? DueEnd(Connection connection) => connection.DueEnd(Clock.Now, Shutdown);

    /// <summary>
    /// When a heartbeat is due, or the end of a stream. Safe for concurrent use: a write that is under way may make it too early.
    /// </summary>
    internal long NextDeadline(Connection connection) => Math.Min(connection.NextDeadline, Shutdown.EndOf(connection));

    /// <summary>Counts a stream as open.</summary>
    /// <param name="connection">The stream's.</param>
    /// <param name="feed">The family of its feed; null for a sequence.</param>
    internal void CountOpened(Connection connection, string? feed) => Metrics.StreamOpened(connection.Format.Name, feed);

    /// <summary>Counts a stream as ended.</summary>
    /// <inheritdoc cref="CountOpened"/>
    internal void CountEnded(Connection connection, string? feed, EndReason reason) =>
        Metrics.StreamEnded(connection.Format.Name, feed, reason.Name, connection.AgeAt(Clock.Now));
}
