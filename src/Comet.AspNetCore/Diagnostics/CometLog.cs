using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Diagnostics;

internal static partial class CometLog
{
    [LoggerMessage(
        1, LogLevel.Error, "The source of the stream {Path} failed; the stream ends (request {RequestId}).", EventName = "SourceFailed")]
    internal static partial void SourceFailed(ILogger logger, Exception exception, string path, string requestId);

    [LoggerMessage(2, LogLevel.Warning, "A stream's source failed after the stream had ended.", EventName = "SourceFailedLate")]
    internal static partial void SourceFailedLate(ILogger logger, Exception exception);

    [LoggerMessage(
        3,
        LogLevel.Warning,
        "The store of feed {Feed} is unavailable; a stream was rejected or ended, or has begun without it.",
        EventName = "FeedUnavailable")]
    internal static partial void FeedUnavailable(ILogger logger, Exception exception, string feed);

    [LoggerMessage(
        12,
        LogLevel.Warning,
        "The store of feed {Feed} is unavailable; the feed is opened when it is used next.",
        EventName = "FeedNotOpened")]
    internal static partial void FeedNotOpened(ILogger logger, Exception exception, string feed);

    [LoggerMessage(4, LogLevel.Warning, "The log of feed {Feed} could not be closed.", EventName = "FeedCloseFailed")]
    internal static partial void FeedCloseFailed(ILogger logger, Exception exception, string feed);

    [LoggerMessage(
        5,
        LogLevel.Information,
        "{Kind} {Feed}: store {Store}, Retain {Retain}, RetainBytes {RetainBytes}, RetainFor {RetainFor}, WhenSlow {WhenSlow}, " +
        "InMemory {InMemory}, AuthorizationPolicy {AuthorizationPolicy}.",
        EventName = "FeedSettings")]
    internal static partial void FeedSettings(
        ILogger logger,
        string kind,
        string feed,
        string store,
        int retain,
        long retainBytes,
        TimeSpan retainFor,
        SlowClientPolicy whenSlow,
        bool inMemory,
        string authorizationPolicy);

    [LoggerMessage(
        6, LogLevel.Warning, "{Key} is no setting of Comet. The settings under {Section} are: {Names}.", EventName = "KeyUnread")]
    internal static partial void KeyUnread(ILogger logger, string key, string section, string names);

    [LoggerMessage(
        7,
        LogLevel.Warning,
        "The store's entry {Offset} of feed {Feed} is not one JSON value in UTF-8, so nobody gets it. Others of this feed are not " +
        "logged; comet.message.rejected counts them. Find out who else writes to the store.",
        EventName = "EntryRejected")]
    internal static partial void EntryRejected(ILogger logger, string feed, long offset);

    [LoggerMessage(
        8,
        LogLevel.Warning,
        "The store's epoch of feed {Feed} is not 1 to 64 ASCII letters and digits; {Epoch} stands in for it. " +
        "Find out who else writes to the store.",
        EventName = "EpochReplaced")]
    internal static partial void EpochReplaced(ILogger logger, string feed, string epoch);

    [LoggerMessage(
        9,
        LogLevel.Warning,
        "The store of feed {Feed} is unavailable. PublishAllAsync tries to publish the value again until it is stored.",
        EventName = "PublishingWaits")]
    internal static partial void PublishingWaits(ILogger logger, Exception exception, string feed);

    [LoggerMessage(10, LogLevel.Information, "PublishAllAsync goes on publishing to feed {Feed}.", EventName = "PublishingResumed")]
    internal static partial void PublishingResumed(ILogger logger, string feed);

    [LoggerMessage(
        11,
        LogLevel.Error,
        "PublishAllAsync leaves out a value that cannot be published to feed {Feed}. " +
        "Others like it that follow are not logged, until one can be published.",
        EventName = "ValueRejected")]
    internal static partial void ValueRejected(ILogger logger, Exception exception, string feed);

    [LoggerMessage(
        13,
        LogLevel.Error,
        "A listener of the meter Comet.AspNetCore has thrown. Messages are delivered all the same; its figures are incomplete.",
        EventName = "ListenerFailed")]
    internal static partial void ListenerFailed(ILogger logger, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "A stream of {Feed} failed after its request had ended.", EventName = "StreamFailed")]
    internal static partial void StreamFailed(ILogger logger, Exception exception, string feed);

    [LoggerMessage(
        15,
        LogLevel.Error,
        "The system has no descriptor left for a stream of {Feed}, which ends. Raise the limit of open files.",
        EventName = "NoDescriptor")]
    internal static partial void NoDescriptor(ILogger logger, string feed);

    [LoggerMessage(
        16,
        LogLevel.Warning,
        "One address may open {PerAddress} streams and all of them together {InAll}, so one can take the place of all others. " +
        "Set Comet:MaxStreamsPerAddress to less than Comet:MaxStreams.",
        EventName = "OneAddressTakesAll")]
    internal static partial void OneAddressTakesAll(ILogger logger, int perAddress, int inAll);
}
