namespace CometBench;

/// <summary>Measures several things by turns, so that a noisy minute of the machine falls on all of them.</summary>
internal static class Turns
{
    /// <returns>The median of the rounds for each thing, by the figure that counts.</returns>
    internal static async Task<List<TFigures>> MediansAsync<TThing, TFigures>(
        IReadOnlyList<TThing> things, int rounds, Func<TThing, Task<TFigures>> measure, Func<TFigures, double> figure)
    {
        var measured = things.Select(_ => new List<TFigures>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (thing, figures) in things.Zip(measured))
            {
                figures.Add(await measure(thing));
            }
        }
        return measured.Select(figures => figures.OrderBy(figure).ElementAt(rounds / 2)).ToList();
    }
}
