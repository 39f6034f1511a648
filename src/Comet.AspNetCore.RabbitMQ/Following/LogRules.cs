using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>What a message is, given those before it.</summary>
internal enum Verdict
{
    /// <summary>It counts.</summary>
    Accepted,

    /// <summary>A copy of an earlier one, or overtaken by a later one of its publisher.</summary>
    Duplicate,

    /// <summary>Its publisher believed in another epoch, or the one in force is not known yet.</summary>
    Stale,
}

/// <summary>
/// Tells what counts in a stream and what does not. It depends on nothing but the messages, so that all servers, whenever and from
/// wherever they read the stream, come to the same log.
/// </summary>
/// <param name="from">The offset from which on the messages will come.</param>
/// <param name="epoch">Taken to be in force there, by whoever looks for nothing else: a message that says so counts, since no epoch comes back.</param>
internal sealed class LogRules(long from, string? epoch = null)
{
    private readonly Dictionary<long, long> _newest = [];
    private long _epochKnownFrom = from;
    private bool _started;

    /// <summary>The epoch in force; null: none yet, or not known yet.</summary>
    internal string? Epoch { get; private set; } = epoch;

    /// <summary>Whether <see cref="Epoch"/> is known; null means that there is none, then.</summary>
    internal bool IsEpochKnown { get; private set; } = epoch is not null;

    /// <summary>The offset from which on every message was seen.</summary>
    internal long KnownFrom { get; private set; } = from;

    /// <summary>Whether nothing that was not seen matters. Otherwise what lies between its floor and <see cref="KnownFrom"/> must be learnt first.</summary>
    internal bool CanJudge(RabbitMQMessage message) => IsMarker(message) || message.Floor + 1 >= KnownFrom || IsOld(message.Id);

    /// <summary>The messages have to come in the order of the stream.</summary>
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
            // Its publisher had read everything that could have begun another epoch without being seen here.
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

    /// <summary>Takes note of a message that lies before <see cref="KnownFrom"/>.</summary>
    internal void Learn(MessageId id) => _newest[id.Publisher] = Math.Max(id.Sequence, _newest.GetValueOrDefault(id.Publisher, long.MinValue));

    /// <summary>Everything from this offset on was learnt.</summary>
    internal void LearntFrom(long offset) => KnownFrom = Math.Min(KnownFrom, offset);

    private static bool IsMarker(RabbitMQMessage message) => message is { Feed: null, Begins: false };

    private bool IsOld(MessageId id) => _newest.TryGetValue(id.Publisher, out var newest) && id.Sequence <= newest;
}
