using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Reads the messages from one offset up to another (not included).</summary>
internal delegate IAsyncEnumerable<RabbitMQMessage> ReadMessages(long from, long to);

/// <summary>
/// What this server has read of a RabbitMQ stream, whichever connections it was read over. It judges each message, gives the entries to the
/// view, and tells the outbox what has come back.
/// </summary>
internal sealed class FollowedLog(string stream, RabbitMQStreamView view, Outbox outbox, ILogger logger)
{
    private readonly List<(string Feed, FeedEntry Entry)> _read = [];
    private readonly List<(long Sequence, Verdict Verdict, FeedPosition Position)> _ours = [];
    private LogRules _rules = new(0);
    private Loss _loss;
    private bool _wasForeignTold;

    /// <summary>The last message that was read; null: reading begins anew.</summary>
    internal (long Offset, MessageId Id)? Last { get; private set; }

    /// <summary>The current epoch; null: none has begun, or it is not known yet.</summary>
    internal string? Epoch => _rules.Epoch;

    /// <inheritdoc cref="LogRules.IsEpochKnown"/>
    internal bool IsEpochKnown => _rules.IsEpochKnown;

    /// <summary>Whether an epoch has to begin before the log goes on: there is none, or its messages were lost.</summary>
    internal bool NeedsEpoch => _rules.Epoch is null || _loss != Loss.None;

    /// <summary>Begins to read anew at an offset, of whose earlier messages nothing is known.</summary>
    internal void BeginAt(long offset) => _rules = new LogRules(offset);

    /// <summary>Forgets where reading has stopped.</summary>
    internal void Forget() => Last = null;

    /// <summary>Records that the stream does not continue after <see cref="Last"/>.</summary>
    internal void RecordLoss(Loss loss)
    {
        RabbitMQLogMessages.StreamLost(logger, stream, Last!.Value.Offset, Describe(loss));
        (Last, _loss) = (null, loss);
        if (loss == Loss.Overtaken)
        {
            outbox.FailSent();
        }
    }

    /// <summary>Takes the next message. Its entry is delivered with the next call of <see cref="Deliver"/>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="read">Reads older messages, where these are needed to judge it.</param>
    internal async ValueTask AddAsync(RabbitMQMessage message, ReadMessages read)
    {
        if (!_rules.CanJudge(message))
        {
            var from = message.Floor + 1;
            await foreach (var older in read(from, _rules.KnownFrom))
            {
                _rules.Learn(older.Id);
            }
            _rules.LearntFrom(from);
        }
        if (message.IsForeign && !_wasForeignTold)
        {
            _wasForeignTold = true;
            RabbitMQLogMessages.MessageForeign(logger, stream, message.Offset);
        }
        var epoch = _rules.Epoch;
        var verdict = _rules.Judge(message);
        if (_rules.Epoch != epoch)
        {
            EnterEpoch(message);
        }
        Last = (message.Offset, message.Id);
        // Positions count from 1, RabbitMQ from 0.
        var offset = message.Offset + 1;
        if (verdict == Verdict.Accepted && message.Feed is { } feed)
        {
            _read.Add((feed, new FeedEntry(offset, message.Payload, message.At)));
        }
        if (message.Id.Publisher == outbox.Publisher && (verdict != Verdict.Stale || _rules.IsEpochKnown))
        {
            _ours.Add((message.Id.Sequence, verdict, new FeedPosition(_rules.Epoch ?? "", offset)));
        }
    }

    /// <summary>Gives what was read to the view and the outbox.</summary>
    internal void Deliver()
    {
        if (_loss == Loss.None && view.Position is not null && Last is { } last)
        {
            view.Append(_read, last.Offset + 1);
        }
        _read.Clear();
        foreach (var (sequence, verdict, position) in _ours)
        {
            outbox.RecordRead(sequence, verdict, position);
        }
        _ours.Clear();
    }

    // From this message on another epoch is current, or the current one is known.
    private void EnterEpoch(RabbitMQMessage message)
    {
        if (_loss == Loss.Truncated && view.Position?.Epoch == _rules.Epoch)
        {
            return; // its positions now stand for other messages, so a new epoch has to begin
        }
        Deliver();
        view.Reset(_rules.Epoch!, message.Begins ? 0 : message.Offset, message.Offset);
        _loss = Loss.None;
    }

    private static string Describe(Loss loss) => loss == Loss.Overtaken
        ? "retention removed messages before this server had read them"
        : "the last message that this server has read is not there, as the RabbitMQ stream was deleted or has lost its end";
}
