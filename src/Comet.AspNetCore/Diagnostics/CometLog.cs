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
        3, LogLevel.Warning, "The store of feed {Feed} is unavailable; a stream was rejected or ended.", EventName = "FeedUnavailable")]
    internal static partial void FeedUnavailable(ILogger logger, Exception exception, string feed);

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
}
