namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>A list to whose ends items are added, and from whose beginning they are taken.</summary>
internal sealed class Ring<T>
{
    private T[] _items = new T[4];
    private int _first;

    internal int Count { get; private set; }

    internal T this[int index] => _items[(_first + index) & (_items.Length - 1)];

    internal void Add(T item)
    {
        Grow();
        _items[(_first + Count++) & (_items.Length - 1)] = item;
    }

    internal void AddFirst(T item)
    {
        Grow();
        _first = (_first - 1) & (_items.Length - 1);
        _items[_first] = item;
        Count++;
    }

    internal T RemoveFirst()
    {
        var first = _items[_first];
        _items[_first] = default!;
        _first = (_first + 1) & (_items.Length - 1);
        Count--;
        return first;
    }

    private void Grow()
    {
        if (Count < _items.Length)
        {
            return;
        }
        var larger = new T[Count * 2];
        for (var index = 0; index < Count; index++)
        {
            larger[index] = this[index];
        }
        (_items, _first) = (larger, 0);
    }
}
