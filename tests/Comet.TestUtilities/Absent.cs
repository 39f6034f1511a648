namespace Comet.TestUtilities;

/// <summary>What a test needs and a machine may lack.</summary>
public static class Absent
{
    /// <summary>Skips the test; fails it where COMET_NO_SKIP is 1, as in .ci/run, which installs what the tests need.</summary>
    /// <param name="sentence">What is not there.</param>
    public static void SkipWhen(bool absent, string sentence)
    {
        Assert.False(absent && Environment.GetEnvironmentVariable("COMET_NO_SKIP") == "1", sentence + " COMET_NO_SKIP is 1.");
        Assert.SkipWhen(absent, sentence);
    }
}
