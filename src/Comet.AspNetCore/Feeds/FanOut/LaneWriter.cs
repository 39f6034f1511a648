using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>Writes to one connection of a lane at a time, and ends it. None waits for another.</summary>
internal sealed class LaneWriter(Lane lane, LaneGroups groups, ConnectionServices services)
{
    private readonly FrameBuffer _control = new();

    internal void Write(Subscriber subscriber, in ControlMessage message, long now)
    {
        _control.Clear();
        subscriber.Format.WriteControl(_control, message);
        subscriber.Group!.CountControl(_control.Length);
        Write(subscriber, _control, now);
    }

    internal void Write(Subscriber subscriber, FrameBuffer buffer, long now)
    {
        ValueTask<bool> write;
        try
        {
            write = subscriber.WriteAsync(buffer, now);
            // Asked of the connection, which has asked the write: it may have completed since, and then still ends the wait.
            if (!subscriber.IsBusy)
            {
                if (!write.Result)
                {
                    lane.Remove(subscriber, EndReason.ClientDisconnected);
                }
                else if (subscriber.IsFull)
                {
                    groups.CheckAt(subscriber.Group!, now);
                }
                return;
            }
        }
        catch (Exception exception)
        {
            subscriber.RecordFailure(exception);
            lane.Remove(subscriber, EndReason.ClientDisconnected);
            return;
        }
        groups.CheckAt(subscriber.Group!, services.WriteDeadline.Of(subscriber));
        _ = AwaitAsync(subscriber, write);
    }

    /// <summary>Ends a stream with a message that says why.</summary>
    internal void End(Subscriber subscriber, EndReason reason, long now)
    {
        subscriber.EndReason = reason;
        Write(subscriber, services.EndMessage(reason), now);
        if (!subscriber.IsBusy)
        {
            lane.Remove(subscriber, reason);
        }
    }

    /// <summary>Ends a stream that has all it will ever get, or all that it asked for.</summary>
    internal void EndIfServed(Subscriber subscriber, long now)
    {
        if (subscriber.IsBusy || !subscriber.IsListed)
        {
            return;
        }
        if (subscriber is { Place: null, Group.IsCompleted: true })
        {
            if (subscriber.Group.Set.AreNamed)
            {
                End(subscriber, EndReason.Completed, now);
            }
            else
            {
                lane.Remove(subscriber, EndReason.Completed); // its last message was the end
            }
        }
        else if (subscriber.IsPoll)
        {
            End(subscriber, EndReason.Polled, now);
        }
    }

    private async Task AwaitAsync(Subscriber subscriber, ValueTask<bool> write)
    {
        var change = LaneChange.Fail;
        try
        {
            change = await write ? LaneChange.Resume : LaneChange.Fail;
        }
        catch (Exception exception)
        {
            subscriber.RecordFailure(exception);
        }
        lane.Enqueue(subscriber, change);
    }
}
