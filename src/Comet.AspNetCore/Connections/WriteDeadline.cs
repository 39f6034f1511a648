using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// How long a connection may take nothing of what is written to it. After that it is aborted: a client that takes nothing cannot be told
/// why its stream ends.
/// </summary>
internal sealed class WriteDeadline(IOptions<CometOptions> options, MonotonicClock clock, ConnectionShutdown shutdown)
{
    // How often a task that waits for its connection checks whether that is due to end.
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(500);

    private readonly long _timeout = (long)options.Value.WriteTimeout.TotalMilliseconds;

    /// <summary>When a busy connection must be checked, in milliseconds of the clock.</summary>
    internal long Of(Connection connection) => connection.BusySince + _timeout;

    /// <summary>
    /// Aborts a busy connection that takes nothing until its deadline, or that cannot be told that it is due to end: at once while the
    /// host stops, otherwise after a moment.
    /// </summary>
    /// <returns>Why it was aborted; null: the write goes on.</returns>
    internal EndReason? Check(Connection connection, long now)
    {
        connection.NoteProgress(now);
        var due = connection.DueEnd(now, shutdown);
        var reason = due is not null && (shutdown.IsStopping || connection.IsOverdue(now)) ? due
            : now >= Of(connection) ? due ?? EndReason.TooSlow
            : null;
        if (reason is not null)
        {
            connection.Abort();
        }
        return reason;
    }

    /// <summary>Writes, and waits until the connection can take more.</summary>
    /// <returns>Why the stream has ended; null: it goes on.</returns>
    internal ValueTask<EndReason?> WriteAsync(Connection connection, FrameBuffer buffer) =>
        AwaitAsync(connection, connection.WriteAsync(buffer, clock.Now));

    /// <inheritdoc cref="WriteAsync(Connection, FrameBuffer)"/>
    internal ValueTask<EndReason?> WriteAsync(Connection connection, EncodedFrame frame) =>
        AwaitAsync(connection, connection.WriteAsync(frame, clock.Now));

    /// <summary>Ends the body, and waits until the connection has taken all.</summary>
    /// <inheritdoc cref="WriteAsync(Connection, FrameBuffer)"/>
    internal async ValueTask<EndReason?> CompleteAsync(Connection connection)
    {
        await connection.EndReadingAsync();
        return await AwaitAsync(connection, connection.CompleteAsync(clock.Now));
    }

    private ValueTask<EndReason?> AwaitAsync(Connection connection, ValueTask<bool> write) =>
        // Asked of the connection, which has asked the write: it may have completed since, and then still ends the wait.
        connection.IsBusy ? AwaitSlowAsync(connection, write.AsTask()) : new(ReasonOf(write.Result));

    private async ValueTask<EndReason?> AwaitSlowAsync(Connection connection, Task<bool> write)
    {
        try
        {
            while (!write.IsCompleted)
            {
                await ((Task)write).WaitAsync(CheckPeriod, clock.Time, shutdown.DrainEnded)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!write.IsCompleted && Check(connection, clock.Now) is { } reason)
                {
                    // Kestrel closes a TLS connection by a write of its own, which must not meet this one.
                    await ((Task)write).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return reason;
                }
            }
            return ReasonOf(await write);
        }
        catch (Exception exception) when (ResponseWriter.IsConnectionLoss(exception))
        {
            return EndReason.ClientDisconnected;
        }
        finally
        {
            connection.WriteEnded();
        }
    }

    private static EndReason? ReasonOf(bool written) => written ? null : EndReason.ClientDisconnected;
}
