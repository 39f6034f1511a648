using Comet.AspNetCore.RabbitMQ.Connections;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Notices when a stream shows no longer what is published, as on a node of a cluster that is cut off from the others.</summary>
internal sealed class SilenceWatch(Outbox outbox, RabbitMQConnection broker, TimeSpan patience, TimeProvider time)
{
    private static readonly TimeSpan ShortestSilence = TimeSpan.FromMinutes(1);

    private long _readAt = time.GetTimestamp();

    /// <summary>Something was read.</summary>
    internal void RecordRead() => Volatile.Write(ref _readAt, time.GetTimestamp());

    /// <summary>Returns when that is so.</summary>
    internal async Task RunAsync(CancellationToken ended)
    {
        // Of many servers one is the first to ask, and all see its marker.
        var silence = ShortestSilence * (1 + Random.Shared.NextDouble());
        var wasBlocked = false;
        while (true)
        {
            await Task.Delay(patience, time, ended);
            var isBlocked = broker.IsBlocked;
            var (lag, silent) = (outbox.Lag, time.GetElapsedTime(Volatile.Read(ref _readAt)));
            if (!isBlocked && !wasBlocked && lag > patience * 2 && silent > patience * 2)
            {
                return;
            }
            wasBlocked = isBlocked;
            if (lag == TimeSpan.Zero && silent > silence)
            {
                outbox.Add(new PendingAppend(null, default, time.GetUtcNow()));
            }
        }
    }
}
