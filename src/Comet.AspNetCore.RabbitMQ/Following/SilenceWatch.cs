using Comet.AspNetCore.RabbitMQ.Connections;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Detects a RabbitMQ stream that no longer delivers what is published, as a node does that is cut off from its cluster.</summary>
internal sealed class SilenceWatch(Outbox outbox, RabbitMQConnection broker, TimeSpan timeout, TimeProvider time)
{
    private static readonly TimeSpan ShortestSilence = TimeSpan.FromMinutes(1);

    private long _readAt = time.GetTimestamp();

    /// <summary>Records that a message was read.</summary>
    internal void RecordRead() => Volatile.Write(ref _readAt, time.GetTimestamp());

    /// <summary>
    /// Completes when messages of this server are not delivered for twice the timeout. Sends a marker after one to two minutes in which
    /// nothing was read, so that there is a message to wait for.
    /// </summary>
    internal async Task RunAsync(CancellationToken ended)
    {
        // The time is random, so that of many servers one sends a marker and the others read it.
        var silence = ShortestSilence * (1 + Random.Shared.NextDouble());
        var wasBlocked = false;
        while (true)
        {
            await Task.Delay(timeout, time, ended);
            var isBlocked = broker.IsBlocked;
            var (lag, silent) = (outbox.Lag, time.GetElapsedTime(Volatile.Read(ref _readAt)));
            if (!isBlocked && !wasBlocked && lag > timeout * 2 && silent > timeout * 2)
            {
                return;
            }
            wasBlocked = isBlocked;
            if (lag == TimeSpan.Zero && silent > silence)
            {
                outbox.AddMarker();
            }
        }
    }
}
