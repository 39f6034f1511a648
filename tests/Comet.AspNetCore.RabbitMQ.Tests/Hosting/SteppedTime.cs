namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>Time that goes on only when it is told to, in which each delay ends as soon as it is over.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private readonly List<Alarm> _alarms = [];

    internal TimeSpan Now { get; private set; }

    internal void Step(TimeSpan by)
    {
        Now += by;
        foreach (var alarm in _alarms.Where(alarm => alarm.Due <= Now).ToList())
        {
            _alarms.Remove(alarm);
            alarm.Ring();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, callback, state);
        alarm.Change(dueTime, period);
        return alarm;
    }

    private sealed class Alarm(SteppedTime time, TimerCallback callback, object? state) : ITimer
    {
        internal TimeSpan Due { get; private set; }

        internal void Ring() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time._alarms.Remove(this);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Due = time.Now + dueTime;
                time._alarms.Add(this);
            }
            return true;
        }

        public void Dispose() => time._alarms.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
