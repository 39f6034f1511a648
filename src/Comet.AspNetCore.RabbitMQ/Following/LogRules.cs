using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Whether a message belongs to the log, given the messages before it.</summary>
internal enum Verdict
{
    /// <summary>It belongs to the log.</summary>
    Accepted,

    /// <summary>It is a copy of an earlier message, or a later message of its publisher stands before it.</summary>
    Duplicate,

    /// <summary>It was sent in another epoch than the current one, or the current epoch is not known yet.</summary>
    Stale,
}

/// <summary>
/// Decides which messages of a RabbitMQ stream belong to the log. The decision depends on the messages alone, so all servers come to the
/// same log, wherever in the stream they begin to read.
/// </summary>
/// <param name="from">The offset at which the messages begin.</param>
/// <param name="epoch">
/// The current epoch at that offset, given by a reader that wants the entries of this epoch only; null: the messages tell it. An epoch
/// never returns, so every message of this epoch belongs to the log.
/// </param>
internal sealed class LogRules(long from, string? epoch = null)
{
    private readonly Dictionary<long, long> _newest = [];
    private long _epochKnownFrom = from;
    private bool _started;

    /// <summary>The current epoch; null: none has begun, or it is not known yet.</summary>
    internal string? Epoch { get; private set; } = epoch;

    /// <summary>Whether the current epoch is known. If it is, an <see cref="Epoch"/> of null means that none has begun.</summary>
    internal bool IsEpochKnown { get; private set; } = epoch is not null;

    /// <summary>The offset from which on all messages are known.</summary>
    internal long KnownFrom { get; private set; } = from;

    /// <summary>
    /// Whether the known messages suffice to judge this one. If not, the messages from its floor to <see cref="KnownFrom"/> have to be
    /// learnt first.
    /// </summary>
    internal bool CanJudge(RabbitMQMessage message) => IsMarker(message) || message.Floor + 1 >= KnownFrom || IsOld(message.Id);

    /// <summary>Judges the next message, in the order of the RabbitMQ stream.</summary>
    internal Verdict Judge(RabbitMQMessage message)
    {
        if (!_started)
        {
            (_started, IsEpochKnown) = (true, IsEpochKnown || message.Offset == 0);
        }
        if (IsOld(message.Id) && !IsMarker(message))
        {
            return Verdict.Duplicate;
        }
        Learn(message.Id);
        if (message is { Begins: true, Epoch: RabbitMQMessage.AnyEpoch })
        {
            (Epoch, IsEpochKnown) = (message.Id.ToEpoch(), true);
            return Verdict.Accepted;
        }
        if (!IsEpochKnown && message.Epoch is not null && message.Floor + 1 >= _epochKnownFrom)
        {
            // Its publisher had read every message that is unknown here and could have begun another epoch.
            (Epoch, IsEpochKnown) = (message.Epoch, true);
        }
        if (IsMarker(message))
        {
            return Verdict.Accepted;
        }
        if (!IsEpochKnown || message.Epoch != Epoch)
        {
            _epochKnownFrom = message.Begins ? message.Offset + 1 : _epochKnownFrom;
            return Verdict.Stale;
        }
        Epoch = message.Begins ? message.Id.ToEpoch() : Epoch;
        return Verdict.Accepted;
    }

    /// <summary>Takes account of a message before <see cref="KnownFrom"/>.</summary>
    internal void Learn(MessageId id) =>
        _newest[id.Publisher] = Math.Max(id.Sequence, _newest.GetValueOrDefault(id.Publisher, long.MinValue));

    /// <summary>All messages from this offset on were learnt.</summary>
    internal void LearntFrom(long offset) => KnownFrom = Math.Min(KnownFrom, offset);

    private static bool IsMarker(RabbitMQMessage message) => message is { Feed: null, Begins: false };

    private bool IsOld(MessageId id) => _newest.TryGetValue(id.Publisher, out var newest) && id.Sequence <= newest;
}
