using Comet.AspNetCore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>Publishes a sequence and outlives what goes wrong on the way: the store is away, or a value cannot be published.</summary>
internal sealed class FeedPublisher<T>(Feed<T> feed, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);

    private bool _isRejecting;

    internal async Task PublishAsync(IAsyncEnumerable<T> values, CancellationToken cancellationToken)
    {
        await foreach (var value in values.WithCancellation(cancellationToken))
        {
            if (await TryPublishAsync(value, cancellationToken))
            {
                _isRejecting = false;
            }
        }
    }

    /// <summary>Waits until the value is stored. False: it never can be.</summary>
    private async Task<bool> TryPublishAsync(T value, CancellationToken cancellationToken)
    {
        byte[] payload;
        try
        {
            payload = feed.Encode(value);
        }
        catch (Exception exception) // a converter throws what it likes
        {
            return Reject(exception);
        }
        var isWaiting = false;
        for (var delay = FirstDelay; ; delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay)
        {
            try
            {
                await feed.AppendAsync(payload, cancellationToken);
                if (isWaiting)
                {
                    CometLog.PublishingResumed(logger, feed.Name);
                }
                return true;
            }
            catch (ArgumentException exception)
            {
                return Reject(exception);
            }
            catch (FeedUnavailableException exception)
            {
                if (!isWaiting)
                {
                    CometLog.PublishingWaits(logger, exception, feed.Name);
                }
                isWaiting = true;
            }
            await Task.Delay(delay, time, cancellationToken);
        }
    }

    private bool Reject(Exception exception)
    {
        if (!_isRejecting)
        {
            CometLog.ValueRejected(logger, exception, feed.Name);
        }
        _isRejecting = true;
        return false;
    }
}
