using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>
/// Identifies a message. The sequence numbers of a publisher rise, so a message is a copy if its number is not higher than that of an
/// earlier message of the same publisher.
/// </summary>
/// <param name="Publisher">The server that published the message: a random number of each of its outboxes.</param>
/// <param name="Sequence">The number of the message among those of its publisher.</param>
internal readonly record struct MessageId(long Publisher, long Sequence)
{
    private const int EpochBytes = 5;

    /// <summary>The epoch that the message with this id begins: the same on every server that reads it.</summary>
    internal string ToEpoch()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Publisher);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Sequence);
        return Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, EpochBytes));
    }

    /// <summary>Whether a text could be an epoch.</summary>
    internal static bool IsEpoch(string text) => text.Length == 2 * EpochBytes && text.All(char.IsAsciiHexDigitLower);
}

/// <summary>
/// One message of a RabbitMQ stream: an entry of a feed, or a marker. A marker belongs to no feed; the server that has published it learns
/// from reading it back that it has read everything before it. All properties but the payload are headers of the message.
/// </summary>
internal sealed record RabbitMQMessage
{
    /// <summary>Stands for the current epoch, whichever it is, when none of the retained messages tells it.</summary>
    internal const string AnyEpoch = "*";

    private const string FeedHeader = "comet-feed";
    private const string PublisherHeader = "comet-publisher";
    private const string SequenceHeader = "comet-sequence";
    private const string EpochHeader = "comet-epoch";
    private const string FloorHeader = "comet-floor";
    private const string TimeHeader = "comet-time";
    private const string BeginsHeader = "comet-begins";
    private const string OffsetHeader = "x-stream-offset";

    /// <summary>The offset that RabbitMQ has given the message: from 0 upwards, with gaps.</summary>
    internal long Offset { get; init; }

    internal required MessageId Id { get; init; }

    /// <summary>The current epoch as its publisher knew it; null: it knew none.</summary>
    internal string? Epoch { get; init; }

    /// <summary>The offset up to which its publisher had read when it sent the message; every copy of it lies after that.</summary>
    internal long Floor { get; init; }

    /// <summary>Whether it is a marker that begins a new epoch, if <see cref="Epoch"/> is still current or stands for any.</summary>
    internal bool Begins { get; init; }

    /// <summary>The feed whose entry it is; null: it is a marker.</summary>
    internal string? Feed { get; init; }

    internal DateTimeOffset At { get; init; }

    internal ReadOnlyMemory<byte> Payload { get; init; }

    internal static RabbitMQMessage Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var headers = properties.Headers ?? throw WithoutOffset();
        return new RabbitMQMessage
        {
            Offset = Number(OffsetHeader) ?? throw WithoutOffset(),
            // A message that another program has published has none of the headers, and is read as a marker without meaning.
            Id = new MessageId(Number(PublisherHeader) ?? 0, Number(SequenceHeader) ?? 0),
            Epoch = Text(EpochHeader),
            Floor = Number(FloorHeader) ?? -1,
            Begins = Number(BeginsHeader) is not null,
            Feed = Text(FeedHeader),
            At = DateTimeOffset.FromUnixTimeMilliseconds(Number(TimeHeader) ?? 0),
            Payload = body.ToArray(),
        };

        long? Number(string name) => headers.TryGetValue(name, out var value) ? value as long? : null;
        string? Text(string name) =>
            headers.TryGetValue(name, out var value) && value is byte[] text ? Encoding.UTF8.GetString(text) : null;
        static InvalidDataException WithoutOffset() =>
            new($"A message came without the header {OffsetHeader}. The queue of that name is not a RabbitMQ stream.");
    }

    internal BasicProperties ToProperties()
    {
        var headers = new Dictionary<string, object?>
        {
            [PublisherHeader] = Id.Publisher,
            [SequenceHeader] = Id.Sequence,
            [FloorHeader] = Floor,
            [TimeHeader] = At.ToUnixTimeMilliseconds(),
        };
        if (Epoch is not null)
        {
            headers[EpochHeader] = Epoch;
        }
        if (Feed is not null)
        {
            headers[FeedHeader] = Feed;
        }
        if (Begins)
        {
            headers[BeginsHeader] = 1L;
        }
        return new BasicProperties { Headers = headers, ContentType = Feed is null ? null : "application/json" };
    }
}
