using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Comet.AspNetCore.Diagnostics;

/// <summary>The meter <c>Comet.AspNetCore</c>. Names and units follow OpenTelemetry's conventions.</summary>
internal sealed class CometMetrics
{
    internal const string MeterName = "Comet.AspNetCore";

    internal const string Duration = "comet.stream.duration";
    internal const string RequestsRejected = "comet.request.rejected";
    internal const string Lag = "comet.stream.lag";
    internal const string FeedTag = "comet.feed";
    internal const string FormatTag = "comet.format";
    internal const string EndReasonTag = "comet.end.reason";
    internal const string RejectionReasonTag = "comet.rejection.reason";

    private readonly UpDownCounter<long> _active;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _requestsRejected;
    private readonly Counter<long> _published;
    private readonly Counter<long> _messagesRejected;
    private readonly Counter<long> _delivered;
    private readonly Counter<long> _bytes;
    private readonly Histogram<long> _lag;
    private readonly Histogram<double> _delivery;

    public CometMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _active = meter.CreateUpDownCounter<long>("comet.stream.active", "{stream}", "Open streams.");
        _duration = meter.CreateHistogram<double>(Duration, "s", "How long streams were open, by the reason of their end.");
        _requestsRejected = meter.CreateCounter<long>(RequestsRejected, "{request}", "Requests that got no stream, by the reason.");
        _published = meter.CreateCounter<long>("comet.message.published", "{message}", "Messages published to feeds.");
        _messagesRejected = meter.CreateCounter<long>(
            "comet.message.rejected", "{message}", "Messages of a store that are no JSON, which nobody gets.");
        _delivered = meter.CreateCounter<long>("comet.message.delivered", "{message}", "Messages written to streams.");
        _bytes = meter.CreateCounter<long>("comet.stream.io", "By", "Bytes written to streams.");
        _lag = meter.CreateHistogram<long>(
            Lag, "{message}", "How many messages a stream that had to wait for its client was behind when it went on.");
        _delivery = meter.CreateHistogram<double>(
            "comet.message.delivery.duration",
            "s",
            "From a message's arrival in the feed's log to writing it to the last stream that keeps up.");
    }

    internal void StreamOpened(string format, string? feed) => _active.Add(1, Tags(format, feed));

    internal void StreamEnded(string format, string? feed, string reason, long milliseconds)
    {
        var tags = Tags(format, feed);
        _active.Add(-1, tags);
        tags.Add(EndReasonTag, reason);
        _duration.Record(milliseconds / 1000.0, tags);
    }

    internal void RequestRejected(string reason) =>
        _requestsRejected.Add(1, new KeyValuePair<string, object?>(RejectionReasonTag, reason));

    internal void Published(string feed) => _published.Add(1, new KeyValuePair<string, object?>(FeedTag, feed));

    internal void MessageRejected(string feed) => _messagesRejected.Add(1, new KeyValuePair<string, object?>(FeedTag, feed));

    internal void Delivered(string format, string? feed, long messages, long bytes)
    {
        if (!_delivered.Enabled && !_bytes.Enabled)
        {
            return;
        }
        var tags = Tags(format, feed);
        _delivered.Add(messages, tags);
        _bytes.Add(bytes, tags);
    }

    internal void Lagged(string feed, long messages) => _lag.Record(messages, new KeyValuePair<string, object?>(FeedTag, feed));

    internal void DeliveryTook(string feed, long appendedAt)
    {
        if (_delivery.Enabled)
        {
            _delivery.Record(Stopwatch.GetElapsedTime(appendedAt).TotalSeconds, new KeyValuePair<string, object?>(FeedTag, feed));
        }
    }

    private static TagList Tags(string format, string? feed)
    {
        TagList tags = new() { { FormatTag, format } };
        if (feed is not null)
        {
            tags.Add(FeedTag, feed);
        }
        return tags;
    }
}
