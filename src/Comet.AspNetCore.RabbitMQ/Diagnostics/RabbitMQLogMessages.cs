using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Diagnostics;

internal static partial class RabbitMQLogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Connected to RabbitMQ at {Node}.", EventName = "RabbitMQConnected")]
    internal static partial void Connected(ILogger logger, string node);

    [LoggerMessage(2, LogLevel.Warning,
        "The connection to RabbitMQ was lost ({Reason}). Open streams stay open and continue when it is back.",
        EventName = "RabbitMQConnectionLost")]
    internal static partial void ConnectionLost(ILogger logger, string reason);

    [LoggerMessage(3, LogLevel.Error,
        "RabbitMQ cannot be reached at {Nodes}. The server tries again about once a second.",
        EventName = "RabbitMQUnreachable")]
    internal static partial void Unreachable(ILogger logger, Exception exception, string nodes);

    [LoggerMessage(4, LogLevel.Error,
        "RabbitMQ accepts no messages ({Reason}). Publishing fails until it does.",
        EventName = "RabbitMQBlocked")]
    internal static partial void Blocked(ILogger logger, string reason);

    [LoggerMessage(8, LogLevel.Information, "RabbitMQ accepts messages again.", EventName = "RabbitMQUnblocked")]
    internal static partial void Unblocked(ILogger logger);

    [LoggerMessage(5, LogLevel.Information,
        "Following the RabbitMQ stream {Stream} from offset {Offset}, epoch {Epoch}.",
        EventName = "RabbitMQStreamFollowed")]
    internal static partial void StreamFollowed(ILogger logger, string stream, long offset, string epoch);

    [LoggerMessage(6, LogLevel.Warning,
        "Following the RabbitMQ stream {Stream} was interrupted. The server tries again about once a second.",
        EventName = "RabbitMQStreamInterrupted")]
    internal static partial void StreamInterrupted(ILogger logger, Exception exception, string stream);

    [LoggerMessage(7, LogLevel.Error,
        "The RabbitMQ stream {Stream} does not continue at offset {Offset}: {Loss}. Clients are told that they have missed messages.",
        EventName = "RabbitMQStreamLost")]
    internal static partial void StreamLost(ILogger logger, string stream, long offset, string loss);

    [LoggerMessage(9, LogLevel.Warning,
        "RabbitMQ has refused a message for the RabbitMQ stream {Stream} ({Reason}). Its publisher is told; the others go on.",
        EventName = "RabbitMQMessageRefused")]
    internal static partial void MessageRefused(ILogger logger, string stream, string reason);

    [LoggerMessage(10, LogLevel.Debug,
        "Reading the RabbitMQ stream {Stream} from offset {After} to {Through}, for clients that come back.",
        EventName = "RabbitMQStreamScanned")]
    internal static partial void StreamScanned(ILogger logger, string stream, long after, long through);

    [LoggerMessage(11, LogLevel.Information,
        "The newest messages of the RabbitMQ stream {Stream} were not all read into memory. They are read when a client needs them.",
        EventName = "RabbitMQFillFailed")]
    internal static partial void FillFailed(ILogger logger, Exception exception, string stream);

    [LoggerMessage(12, LogLevel.Warning,
        "The message at offset {Offset} of the RabbitMQ stream {Stream} was published by something else than a server of this app. It is "
        + "left out, like all others of its kind. Find out who publishes there.",
        EventName = "RabbitMQMessageForeign")]
    internal static partial void MessageForeign(ILogger logger, string stream, long offset);
}
