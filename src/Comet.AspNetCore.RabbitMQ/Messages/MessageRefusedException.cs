using System.Globalization;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>The broker has closed a channel because of one message that it does not take, such as one that is too large.</summary>
internal sealed partial class MessageRefusedException : IOException
{
    private const ushort BasicClass = 60; // as AMQP 0-9-1 numbers them
    private const ushort PublishMethod = 40;

    private MessageRefusedException(string reason)
        : base(reason)
    {
        var match = ConfiguredSize().Match(reason);
        MaxBytes = match.Success && long.TryParse(match.ValueSpan, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
    }

    /// <summary>The broker's <c>max_message_size</c>, if the reason tells it.</summary>
    internal long? MaxBytes { get; }

    /// <summary>The exception for a channel that was closed for this reason; null: no single message was the reason.</summary>
    internal static MessageRefusedException? Of(ShutdownEventArgs? reason) =>
        reason is { ReplyCode: Constants.PreconditionFailed, ClassId: BasicClass, MethodId: PublishMethod }
            ? new(reason.ReplyText)
            : null;

    // "message size 70000 is larger than configured max size 65536"
    [GeneratedRegex(@"(?<=configured max size )\d+")]
    private static partial Regex ConfiguredSize();
}
