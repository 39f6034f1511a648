using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Diagnostics;

internal static partial class RabbitMQLogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Connected to RabbitMQ at {Node}.", EventName = "RabbitMQConnected")]
    internal static partial void Connected(ILogger logger, string node);

    [LoggerMessage(2, LogLevel.Warning, "The connection to RabbitMQ was lost ({Reason}); streams stay open and go on when it is back.", EventName = "RabbitMQConnectionLost")]
    internal static partial void ConnectionLost(ILogger logger, string reason);

    [LoggerMessage(3, LogLevel.Error, "RabbitMQ cannot be reached at {Nodes}; trying again until it can.", EventName = "RabbitMQUnreachable")]
    internal static partial void Unreachable(ILogger logger, Exception exception, string nodes);

    [LoggerMessage(4, LogLevel.Error, "RabbitMQ takes no messages ({Reason}); publishing fails until it does.", EventName = "RabbitMQBlocked")]
    internal static partial void Blocked(ILogger logger, string reason);

    [LoggerMessage(8, LogLevel.Information, "RabbitMQ takes messages again.", EventName = "RabbitMQUnblocked")]
    internal static partial void Unblocked(ILogger logger);

    [LoggerMessage(5, LogLevel.Information, "Following the stream {Stream} from offset {Offset}, epoch {Epoch}.", EventName = "RabbitMQStreamFollowed")]
    internal static partial void StreamFollowed(ILogger logger, string stream, long offset, string epoch);

    [LoggerMessage(6, LogLevel.Warning, "Following the stream {Stream} was interrupted; it is taken up again.", EventName = "RabbitMQStreamInterrupted")]
    internal static partial void StreamInterrupted(ILogger logger, Exception exception, string stream);

    [LoggerMessage(7, LogLevel.Error, "The stream {Stream} is not as it was left at offset {Offset}: {Loss}. Clients are told that they missed something.", EventName = "RabbitMQStreamLost")]
    internal static partial void StreamLost(ILogger logger, string stream, long offset, string loss);
}
