using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

/// <summary>
/// A stream by publishers that lag behind, lose connections and send messages again, with the verdicts of a reader who reads all of it.
/// </summary>
internal sealed class RandomStream
{
    private static readonly string[] Feeds = ["a", "b", "c"];

    private readonly Random _random;
    private readonly LogRules _rules = new(0);
    private readonly List<string?> _epochs = [];
    private readonly List<RabbitMQMessage> _late = [];
    private readonly long[] _sequences = new long[5];
    private readonly int[] _read = new int[5];
    private long _offset;

    internal RandomStream(int seed, int messages)
    {
        _random = new Random(seed);
        Write(new RabbitMQMessage { Id = new MessageId(1, ++_sequences[0]), Floor = -1 });
        while (Messages.Count < messages)
        {
            Step();
        }
    }

    internal List<RabbitMQMessage> Messages { get; } = [];

    internal List<Verdict> Verdicts { get; } = [];

    internal string? EpochAt(int index) => _epochs[index];

    internal async IAsyncEnumerable<RabbitMQMessage> ReadAsync(long from, long to)
    {
        await Task.Yield();
        foreach (var message in Messages.Where(message => message.Offset >= from && message.Offset < to))
        {
            yield return message;
        }
    }

    private void Step()
    {
        var publisher = _random.Next(_sequences.Length);
        // The publisher reads on, but seldom up to the end.
        _read[publisher] = Math.Min(Messages.Count - 1, _read[publisher] + _random.Next(12));
        var message = new RabbitMQMessage
        {
            Id = new MessageId(publisher + 1, ++_sequences[publisher]),
            Floor = Messages[_read[publisher]].Offset,
            Epoch = _epochs[_read[publisher]],
            Payload = BitConverter.GetBytes(_offset),
        };
        switch (_random.Next(100))
        {
            case < 3:
                Write(message with { Begins = true, Epoch = _random.Next(3) == 0 ? RabbitMQMessage.AnyEpoch : message.Epoch });
                break;
            case < 15:
                Write(message);
                break;
            case < 25: // written, and once more later
                message = message with { Feed = Feeds[_random.Next(Feeds.Length)] };
                Write(message);
                _late.Add(message);
                break;
            case < 35: // only written later, when it may have been overtaken
                _late.Add(message with { Feed = Feeds[_random.Next(Feeds.Length)] });
                break;
            case < 50 when _late.Count > 0:
                var index = _random.Next(_late.Count);
                Write(_late[index]);
                _late.RemoveAt(index);
                break;
            default:
                Write(message with { Feed = Feeds[_random.Next(Feeds.Length)] });
                break;
        }
    }

    private void Write(RabbitMQMessage message)
    {
        message = message with { Offset = _offset };
        _offset += _random.Next(10) == 0 ? 2 : 1;
        Messages.Add(message);
        Verdicts.Add(_rules.Judge(message));
        _epochs.Add(_rules.Epoch);
    }
}
