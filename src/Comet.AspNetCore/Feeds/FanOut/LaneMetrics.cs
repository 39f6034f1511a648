using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;

namespace Comet.AspNetCore.Feeds;

/// <summary>What a lane counts. A listener of the app's that throws ends no pass, which others need.</summary>
internal sealed class LaneMetrics(ConnectionServices services)
{
    private readonly CometMetrics _metrics = services.Metrics;
    private bool _hasListenerFailed;

    internal void CountDelivered(ConnectionGroup group, EncodedBatch batch, int connections, bool keepUp)
    {
        try
        {
            foreach (var part in batch.Parts)
            {
                _metrics.Delivered(group.Format.Name, part.Feed.Family, part.Messages * connections, (long)part.Bytes * connections);
                if (keepUp)
                {
                    _metrics.DeliveryTook(part.Feed.Family, part.AppendedAt);
                }
            }
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    internal void CountLag(FeedCore feed, long messages)
    {
        try
        {
            _metrics.Lagged(feed.Family, messages);
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    internal void Report(ConnectionGroup group)
    {
        try
        {
            group.Report(_metrics);
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    // Listeners of meters are the app's. One that throws is told of once, and ends no pass, which others need.
    private void OnListenerFailed(Exception exception)
    {
        if (!_hasListenerFailed)
        {
            _hasListenerFailed = true;
            CometLog.ListenerFailed(services.Logger, exception);
        }
    }
}
