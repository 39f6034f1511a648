using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Comet.AspNetCore.Stores;
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
    private const string CompletesHeader = "comet-completes";
    private const string OffsetHeader = "x-stream-offset";

    // Of an entry.
    private const int HeaderCount = 6;

    // No feed's name is longer.
    private const int MaxTextBytes = 4 * (FeedName.MaxFamilyLength + 1 + FeedName.MaxKeyLength);

    private static readonly long MinTime = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long MaxTime = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

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

    /// <summary>
    /// Of an entry: one JSON value, or nothing, which completes the feed. A header says so too: anybody can publish nothing.
    /// </summary>
    internal ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>
    /// Whether no server can have published it, as one of its headers is absent or has another form, or its payload is empty though none
    /// says so. It is read as a marker that means nothing.
    /// </summary>
    internal bool IsForeign { get; private init; }

    /// <exception cref="InvalidDataException">It does not come from a RabbitMQ stream.</exception>
    internal static RabbitMQMessage Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        if (properties.Headers is not { } headers || Number(OffsetHeader, 0) is not { } offset)
        {
            throw new InvalidDataException(
                $"A message came without the header {OffsetHeader}. The queue of that name is not a RabbitMQ stream.");
        }
        if (Number(PublisherHeader) is { } publisher
            && Number(SequenceHeader) is { } sequence
            && Number(FloorHeader, -1, long.MaxValue - 1) is { } floor
            && Number(TimeHeader, MinTime, MaxTime) is { } time
            && (!headers.ContainsKey(BeginsHeader) || Number(BeginsHeader) is not null)
            && IsTextOrAbsent(EpochHeader, out var epoch) && (epoch is null or AnyEpoch || MessageId.IsEpoch(epoch))
            && IsTextOrAbsent(FeedHeader, out var feed)
            && (!headers.ContainsKey(CompletesHeader) || Number(CompletesHeader) is not null)
            && headers.ContainsKey(CompletesHeader) == (feed is not null && body.IsEmpty))
        {
            return new RabbitMQMessage
            {
                Offset = offset,
                Id = new MessageId(publisher, sequence),
                Epoch = epoch,
                Floor = floor,
                Begins = headers.ContainsKey(BeginsHeader),
                Feed = feed,
                At = DateTimeOffset.FromUnixTimeMilliseconds(time),
                Payload = body.ToArray(),
            };
        }
        return new RabbitMQMessage { Offset = offset, Id = default, Floor = -1, IsForeign = true };

        long? Number(string name, long least = long.MinValue, long most = long.MaxValue) =>
            headers.TryGetValue(name, out var value) && value is long number && number >= least && number <= most ? number : null;

        bool IsTextOrAbsent(string name, out string? text)
        {
            text = null;
            if (!headers.TryGetValue(name, out var value))
            {
                return true;
            }
            var isText = value is byte[] { Length: > 0 and <= MaxTextBytes } bytes && Utf8.IsValid(bytes);
            text = isText ? Encoding.UTF8.GetString((byte[])value!) : null;
            return isText;
        }
    }

    internal BasicProperties ToProperties()
    {
        var headers = new Dictionary<string, object?>(HeaderCount)
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
        if (Feed is not null && Payload.IsEmpty)
        {
            headers[CompletesHeader] = 1L;
        }
        return new BasicProperties { Headers = headers, ContentType = Feed is null ? null : "application/json" };
    }
}
