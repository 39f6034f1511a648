using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Who published a message, and as which of his: rising, so that a copy is known by a number that is not higher than the last.</summary>
internal readonly record struct MessageId(long Publisher, long Sequence)
{
    private const int EpochBytes = 5;

    /// <summary>The epoch that a message of this id begins.</summary>
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
/// One message of a stream: an entry of a feed, or a marker, which belongs to none and tells its publisher how far he has read.
/// What it says besides the payload is in its headers.
/// </summary>
internal sealed record RabbitMQMessage
{
    /// <summary>Stands for the epoch in force, whichever it is, when nothing that is kept tells it.</summary>
    internal const string AnyEpoch = "*";

    private const string FeedHeader = "comet-feed";
    private const string PublisherHeader = "comet-publisher";
    private const string SequenceHeader = "comet-sequence";
    private const string EpochHeader = "comet-epoch";
    private const string FloorHeader = "comet-floor";
    private const string TimeHeader = "comet-time";
    private const string BeginsHeader = "comet-begins";
    private const string OffsetHeader = "x-stream-offset";

    /// <summary>Where it is in the stream; from 0 upwards, not contiguous.</summary>
    internal long Offset { get; init; }

    internal required MessageId Id { get; init; }

    /// <summary>The epoch that its publisher believed in; null: he knew none.</summary>
    internal string? Epoch { get; init; }

    /// <summary>How far its publisher had read when he first sent it: every copy of it lies after this offset.</summary>
    internal long Floor { get; init; }

    /// <summary>A marker that begins another epoch, if <see cref="Epoch"/> is still the one in force, or stands for any.</summary>
    internal bool Begins { get; init; }

    /// <summary>The feed it is an entry of; null: it is a marker.</summary>
    internal string? Feed { get; init; }

    internal DateTimeOffset At { get; init; }

    internal ReadOnlyMemory<byte> Payload { get; init; }

    internal static RabbitMQMessage Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var headers = properties.Headers ?? throw new InvalidDataException("A message of a stream came without an offset.");
        return new RabbitMQMessage
        {
            Offset = Number(OffsetHeader) ?? throw new InvalidDataException("A message of a stream came without an offset."),
            // What others wrote into the stream has none of the headers and so becomes a marker that says nothing.
            Id = new MessageId(Number(PublisherHeader) ?? 0, Number(SequenceHeader) ?? 0),
            Epoch = Text(EpochHeader),
            Floor = Number(FloorHeader) ?? -1,
            Begins = Number(BeginsHeader) is not null,
            Feed = Text(FeedHeader),
            At = DateTimeOffset.FromUnixTimeMilliseconds(Number(TimeHeader) ?? 0),
            Payload = body.ToArray(),
        };

        long? Number(string name) => headers.TryGetValue(name, out var value) ? value as long? : null;
        string? Text(string name) => headers.TryGetValue(name, out var value) && value is byte[] text ? Encoding.UTF8.GetString(text) : null;
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
